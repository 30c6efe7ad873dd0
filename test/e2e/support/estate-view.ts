import assert from 'node:assert/strict'
import type { RunRecord } from '../../../src/engine/run-event.ts'
import type { Plan } from '../../../src/domain/plan.ts'
import { askMember } from '../../../src/lab/ask-member.ts'
import { isProtected } from '../../../src/lab/lab-adoption.ts'
import { isLabHostName, zoneHostNames } from '../../../src/lab/lab-host.ts'
import type { ZoneHostName } from '../../../src/lab/lab-host.ts'
import { labPorts } from '../../../src/lab/lab-ports.ts'
import type { AgentView } from '../../../src/agent/wire.ts'
import type { ClusterStatus, ControlPlaneStatus } from '../../../src/server/status-wire.ts'
import type { Bench } from './bench.ts'
import { until } from './bench.ts'

/** A run as `pointzero show --json` prints it. */
export interface ShownRun {
  readonly run: string
  readonly status: string
  readonly planHash: string
  readonly requestedBy: string
  readonly epoch: number
  readonly plan: Plan
  readonly records: readonly RunRecord[]
}

export interface ListedRun {
  readonly run: string
  readonly procedure: string
  readonly status: string
  readonly openedAtMs: number
}

export function clusterOf({ clusters }: ControlPlaneStatus): ClusterStatus {
  const [cluster] = clusters
  assert.ok(cluster !== undefined, 'the lab has one cluster')
  return cluster
}

export function leaderOf({ facts }: ControlPlaneStatus): ZoneHostName {
  const [cluster] = facts.clusters
  return zoneNamed(cluster?.members.find(({ member }) => member === cluster.leader)?.host ?? 'nobody')
}

function zoneNamed(host: string): ZoneHostName {
  const found = zoneHostNames.find((zone) => zone === host)
  assert.ok(found !== undefined && isLabHostName(host), `${host} is a zone's host`)
  return found
}

export function othersThan(host: ZoneHostName): readonly [ZoneHostName, ZoneHostName] {
  const [first, second] = zoneHostNames.filter((zone) => zone !== host)
  assert.ok(first !== undefined && second !== undefined)
  return [first, second]
}

/** One primary, two standbys that receive and may acknowledge, nothing under way, and all gates and the application where they belong. */
export async function settled(bench: Bench): Promise<ControlPlaneStatus> {
  return await until('the estate is settled', async () => {
    const status = await bench.operator.status()
    return isSettled(bench, status) ? status : undefined
  })
}

function isSettled({ lab }: Bench, status: ControlPlaneStatus): boolean {
  const { openRun, detection, leader } = clusterOf(status)
  if (!isProtected(status) || openRun !== '' || detection.state !== 'up') return false
  // A capture may be among them too.
  const named = status.facts.clusters[0]?.members.filter(({ name }) => leader?.publishedSync.includes(name))
  if (named?.length !== 2) return false
  const address = lab.network.addressOf(leaderOf(status))
  const views = status.hosts.filter(({ host }) => host !== 'ctl')
  const gates = views.flatMap(({ view }) => view?.gates ?? [])
  const ports: readonly number[] = [labPorts.postgres, labPorts.engine]
  const standbys = views.flatMap(({ view }) => view?.members ?? []).filter(isStreaming)
  const ready = views.filter(({ view }) => view?.instances.some((instance) => instance.ready) === true)
  return (
    views.every(({ ageMs = Infinity }) => ageMs < 1_000) &&
    gates.length === 5 &&
    gates.every(({ target }) => ports.some((port) => target === `${address}:${port}`)) &&
    standbys.length === 2 &&
    ready.length === 1 &&
    ready[0]?.host === leaderOf(status)
  )
}

/** Not only connected: one that asks for what its upstream no longer has is connected for a moment, again and again. */
function isStreaming({ observation }: AgentView['members'][number]): boolean {
  return observation.role === 'standby' && observation.streaming === true
}

export async function runsOf(bench: Bench): Promise<readonly ListedRun[]> {
  return (await bench.json<{ readonly runs: readonly ListedRun[] }>('operator', 'runs')).runs
}

export async function showRun(bench: Bench, run: string): Promise<ShownRun> {
  return await bench.json<ShownRun>('operator', 'show', run)
}

export function outcomeOf({ records }: Pick<ShownRun, 'records'>, step: string) {
  return records
    .flatMap(({ event }) => (event.type === 'outcome' && event.step === step ? [event] : []))
    .at(-1)
}

export function takeOversOf({ records }: Pick<ShownRun, 'records'>): number {
  return records.filter(({ event }) => event.type === 'took-over').length
}

/** Asked for, approved by another person, and executed in this process. Facts may move between the two: then it is asked for again. */
export async function runApproved(
  bench: Bench,
  procedure: string,
  ...args: readonly string[]
): Promise<ShownRun> {
  for (let attempt = 1; ; attempt++) {
    await settled(bench)
    const { hash } = await bench.json<{ readonly hash: string }>('operator', 'plan', procedure, ...args)
    await bench.json('approver', 'approve', hash)
    const ended = await bench.pointzero('operator', 'run', procedure, '--approve', hash, ...args, '--json')
    const isPassing = /"(PLAN_CHANGED|RUN_OPEN)"/.test(ended.stdout)
    if (!isPassing || attempt === 5) {
      assert.equal(ended.code, 0, `${procedure}: ${ended.stdout.slice(-2000)}${ended.stderr}`)
      return await showRun(bench, 'last')
    }
  }
}

/** Asks one member itself, past every gate. */
export async function ask(
  { lab }: Bench,
  host: ZoneHostName,
  sql: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return await askMember(lab, host, sql, 60_000)
}
