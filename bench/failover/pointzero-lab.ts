import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../src/cli/connection.ts'
import type { Connection } from '../../src/cli/connection.ts'
import { listRuns, loadRun } from '../../src/cli/run-records.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { RunRecord } from '../../src/engine/run-event.ts'
import { approvedPlan } from '../../src/lab/approved-plan.ts'
import { askMember } from '../../src/lab/ask-member.ts'
import { isProtected } from '../../src/lab/lab-adoption.ts'
import { jsonAsPerson } from '../../src/lab/lab-command.ts'
import { labDatabase } from '../../src/lab/lab-estate.ts'
import { zoneHostNames } from '../../src/lab/lab-host.ts'
import type { ZoneHostName } from '../../src/lab/lab-host.ts'
import { personContext } from '../../src/lab/lab-paths.ts'
import { labPorts } from '../../src/lab/lab-ports.ts'
import { labUp } from '../../src/lab/lab.ts'
import type { Lab } from '../../src/lab/lab.ts'
import { ledgerSchema } from '../../src/lab/workload/ledger-schema.ts'
import type { ControlPlaneStatus } from '../../src/server/status-wire.ts'
import type { Contender, ContenderUp, Moment } from './contender.ts'

const settleMs = 120_000

/** Our own lab: a primary counts as lost after 1 s of silence, and an isolated one ends itself after 2 s. */
export const pointzeroUp: ContenderUp = async (say) => {
  const lab = await labUp({
    progress: say,
    network: 'namespaces',
    postgres: 'system',
    policy: { detect: 'PT1S', fence: 'PT2S' },
  })
  const operator = await connect(quiet, { context: personContext(lab.state.directory, 'operator') })
  const { network, state } = lab
  const contender: Contender = {
    name: 'pointzero',
    place: { state, network },
    database: {
      name: labDatabase.database,
      user: labDatabase.user,
      password: lab.ledgerPassword,
      authorityFile: lab.authorityFile,
      memberPort: labPorts.postgres,
      gate: `${network.addressOf('client')}:${labPorts.ledgerGate}`,
    },
    settled: async () => await settled(lab, operator),
    switchOver: async () => await switchOver(lab),
    revive: async (zone) => await lab.restart(zone),
    timeline: async () => await timelineOfLatestRun(operator),
    down: async () => await lab.down(),
  }
  await askMember(lab, await contender.settled(), ledgerSchema)
  return contender
}

const quiet: Terminal = {
  write: () => {},
  note: () => {},
  hasColour: false,
  environment: {},
  workingDirectory: process.cwd(),
  nowMs: () => Date.now(),
  stop: new AbortController().signal,
}

/** As two people do it: one plans and runs, the other approves. Facts may change in between; then it is planned again. */
async function switchOver(lab: Lab): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const hash = await approvedPlan(lab, ['switchover'], 'a bench')
    try {
      await jsonAsPerson(lab.state, lab.network, 'operator', ['run', 'switchover', '--approve', hash])
      return
    } catch (error) {
      if (attempt === 3 || !String(error).includes('PLAN_CHANGED')) throw error
    }
  }
}

async function settled(lab: Lab, operator: Connection): Promise<ZoneHostName> {
  let seen = ''
  for (const deadline = performance.now() + settleMs; performance.now() < deadline; await sleep(200)) {
    const status = await operator.status().catch((error: unknown) => String(error))
    if (typeof status !== 'string') {
      const leader = settledLeader(lab, status)
      if (leader !== undefined) return leader
    }
    seen = JSON.stringify(typeof status === 'string' ? status : status.clusters)
  }
  throw new Error(`not settled after ${settleMs / 1_000} s: ${seen.slice(0, 1_000)}`)
}

/** One primary, two standbys that receive and are named, no run, and every gate and the application where they belong. */
function settledLeader({ network }: Lab, status: ControlPlaneStatus): ZoneHostName | undefined {
  const [cluster] = status.clusters
  const [facts] = status.facts.clusters
  const host = facts?.members.find(({ member }) => member === facts.leader)?.host
  const leader = zoneHostNames.find((zone) => zone === host)
  if (leader === undefined || cluster?.openRun !== '' || cluster.detection.state !== 'up') return undefined
  if (!isProtected(status) || cluster.leader?.publishedSync.length !== 2) return undefined
  const targets = status.hosts.flatMap(({ view }) => view?.gates ?? []).map(({ target }) => target)
  const instances = status.hosts.flatMap(({ view }) => view?.instances ?? [])
  const isLed = targets.every((target) => target.startsWith(`${network.addressOf(leader)}:`))
  return isLed && instances.some(({ ready }) => ready) ? leader : undefined
}

async function timelineOfLatestRun(operator: Connection): Promise<readonly Moment[]> {
  const runs = await Promise.all((await listRuns(operator)).map(({ run }) => loadRun(operator, run)))
  const latest = runs
    .filter(({ state }) => ['zone-failover', 'switchover'].includes(state.plan.procedure))
    .toSorted((a, b) => (a.records[0]?.atMs ?? 0) - (b.records[0]?.atMs ?? 0))
    .at(-1)
  return (latest?.records ?? []).map(momentOf)
}

function momentOf({ event, atMs }: RunRecord): Moment {
  if (event.type === 'intent') return { what: `${event.step} begins`, atMs }
  if (event.type === 'outcome') return { what: `${event.step} ${event.result}`, atMs }
  return { what: event.type, atMs }
}
