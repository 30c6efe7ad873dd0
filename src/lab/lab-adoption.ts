import type { ControlPlaneStatus } from '../server/status-wire.ts'
import { approvedPlan } from './approved-plan.ts'
import { jsonAsPerson } from './lab-command.ts'
import type { LabNetwork } from './lab-network.ts'
import type { LabState } from './lab-state.ts'
import { untilStatus } from './lab-status.ts'

/** As a user would: an operator plans and runs, another person approves, and both automatic procedures in advance. */
export async function adopt(
  state: LabState,
  network: LabNetwork,
  progress: (line: string) => void,
): Promise<void> {
  await untilStatus(state, 'every agent reports', everyAgentReports)
  const hash = await approvedPlan({ state, network }, ['adoption'], 'a new lab')
  progress(`adoption approved: ${hash.slice(0, 12)}…; taking the ledger into care, cloning two standbys`)
  await Promise.all([
    jsonAsPerson(state, network, 'operator', ['run', 'adoption', '--approve', hash]),
    jsonAsPerson(state, network, 'approver', ['approve', '--standing', 'zone-failover']),
    jsonAsPerson(state, network, 'approver', ['approve', '--standing', 'reprotect']),
  ])
  await untilStatus(state, 'the ledger is led and both standbys receive', isProtected)
  await untilStatus(state, 'its WAL arrives on vlt', isCaptured)
}

function everyAgentReports({ facts }: ControlPlaneStatus): boolean {
  const members = facts.clusters.flatMap(({ members }) => members)
  return members.every(({ reachable }) => reachable) && facts.gates.every(({ reachable }) => reachable)
}

/** The archive receives from the primary. */
export function isCaptured({ hosts }: ControlPlaneStatus): boolean {
  const copies = hosts.find(({ host }) => host === 'vlt')?.view?.copies ?? []
  const states = copies.map(({ capture }) => capture?.protection.kind)
  return states.length > 0 && states.every((kind) => kind === 'streaming' || kind === 'sync')
}

/** One leader that is primary, and the two others receiving from it: what RPO 0 and an automatic failover need. */
export function isProtected({ facts }: ControlPlaneStatus): boolean {
  return facts.clusters.every(({ leader, members, publishedSync }) => {
    const standbys = members.filter(({ member }) => member !== leader)
    const primary = members.find(({ member }) => member === leader)
    return (
      primary?.role === 'primary' && publishedSync.length > 0 && standbys.every(({ receiving }) => receiving)
    )
  })
}
