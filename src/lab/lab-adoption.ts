import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ControlPlaneStatus } from '../server/status-wire.ts'
import { asPerson, jsonAsPerson } from './lab-command.ts'
import type { LabNetwork } from './lab-network.ts'
import type { LabState } from './lab-state.ts'

const settleTimeoutMs = 30_000

/** As a user would: an operator plans and runs, another person approves; then both automatic procedures are approved in advance. */
export async function adopt(
  state: LabState,
  network: LabNetwork,
  progress: (line: string) => void,
): Promise<void> {
  await untilStatus(state, network, 'every agent reports', everyAgentReports)
  const { hash } = await jsonAsPerson<{ readonly hash: string }>(state, network, 'operator', [
    'plan',
    'adoption',
  ])
  await jsonAsPerson(state, network, 'approver', ['approve', hash, '--reason', 'a new lab'])
  progress(`adoption approved: ${hash.slice(0, 12)}…; taking the ledger into care, cloning two standbys`)
  await jsonAsPerson(state, network, 'operator', ['run', 'adoption', '--approve', hash])
  for (const procedure of ['zone-failover', 'reprotect']) {
    await jsonAsPerson(state, network, 'approver', ['approve', '--standing', procedure])
  }
  await untilStatus(state, network, 'the ledger is led and both standbys receive', isProtected)
}

export async function statusOf(state: LabState, network: LabNetwork): Promise<ControlPlaneStatus> {
  return await jsonAsPerson<ControlPlaneStatus>(state, network, 'operator', ['status'])
}

/** The control plane's own view of it, asked for again and again. */
export async function untilStatus(
  state: LabState,
  network: LabNetwork,
  what: string,
  holds: (status: ControlPlaneStatus) => boolean,
  timeoutMs = settleTimeoutMs,
): Promise<ControlPlaneStatus> {
  let seen = ''
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(300)) {
    const { code, stdout, stderr } = await asPerson(state, network, 'operator', ['status', '--json'])
    if (code !== 0) {
      seen = stderr || stdout
      continue
    }
    const status = JSON.parse(stdout) as ControlPlaneStatus
    if (holds(status)) return status
    seen = JSON.stringify(status.facts.clusters)
  }
  throw new RecoveryError({
    code: 'LAB_NOT_SETTLED',
    class: 'permanent',
    message: `not seen within ${timeoutMs / 1000} s: ${what}. Last: ${seen.slice(0, 2000)}`,
    hint: `read the logs in ${state.directory}/logs`,
  })
}

function everyAgentReports({ facts }: ControlPlaneStatus): boolean {
  const members = facts.clusters.flatMap(({ members }) => members)
  return members.every(({ reachable }) => reachable) && facts.gates.every(({ reachable }) => reachable)
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
