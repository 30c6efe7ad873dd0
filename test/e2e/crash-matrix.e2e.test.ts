import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from '../../src/lab/faults/fault.ts'
import type { ZoneHostName } from '../../src/lab/lab-host.ts'
import type { ControlPlaneStatus } from '../../src/server/status-wire.ts'
import { benchUp, until } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { judge, startClients } from './support/clients.ts'
import type { Clients } from './support/clients.ts'
import type { Labels } from './support/boundary.ts'
import { chosenBoundaries, matrixSeed } from './support/chosen-boundaries.ts'
import { clusterOf, leaderOf, othersThan, promotions, settled, showRun } from './support/estate-view.ts'
import { executorArguments, openApproved } from './support/interrupted-run.ts'

/** Hosts by what they are to one run, so that a boundary means the same in every direction. */
interface Cast {
  readonly old: ZoneHostName
  readonly next: ZoneHostName
  readonly other: ZoneHostName
}

interface Drill {
  readonly procedure: 'switchover' | 'zone-failover'
  /** How many boundaries beside the pivotal ones, where not all are run. */
  readonly sample: number
  /** What happens to the primary before the run is asked for. */
  readonly disaster: (bench: Bench, old: ZoneHostName) => Promise<void>
}

const switchover: Drill = { procedure: 'switchover', sample: 12, disaster: async () => {} }

const zoneFailover: Drill = {
  procedure: 'zone-failover',
  sample: 4,
  async disaster(bench, old) {
    const { network, state } = bench.lab
    await inject('kill-postmaster', { network, directory: state.directory, host: old })
    await until('its agent says that the primary ended', async () => {
      const { facts } = await bench.operator.status()
      const member = facts.clusters[0]?.members.find(({ host }) => host === old)
      return member?.reachable === true && member.role === 'stopped'
    })
  },
}

/** Of a switchover that was cancelled when the old primary had ended. */
const undoBoundaries = [
  'after intent:undo:stop-clean',
  'before outcome:undo:stop-clean',
  'after outcome:undo:stop-clean',
  'before outcome:undo:stop-matching-engine-{old}',
  'before finished',
]

describe('an executor that dies at a boundary of its journal', () => {
  let bench: Bench
  let clients: Clients
  before(async () => {
    bench = await benchUp()
    clients = await startClients(bench, 'matrix', { rowEveryMs: 100 })
    // People run these; the control plane is not to be faster. It still brings lost members back.
    await bench.json('approver', 'approve', '--standing', 'zone-failover', '--expires', 'PT1S')
    await sleep(1_100)
  })
  after(async () => await bench.down())

  it('leaves a switchover that another process ends as if nothing had been', async (t) => {
    await crashEverywhere(t, bench, switchover)
  })

  it('leaves a zone failover that another process ends as if nothing had been', async (t) => {
    await crashEverywhere(t, bench, zoneFailover)
  })

  it('leaves a cancelled switchover undone, whoever undoes it to the end', async (t) => {
    for (const boundary of undoBoundaries) {
      await t.test(`rollback whose executor dies ${boundary}`, async () => {
        const before = await settled(bench)
        const old = leaderOf(before)
        const written = promotions(bench)
        const { run } = await openApproved(bench, 'switchover', '--param', `to=ledger-${othersThan(old)[0]}`)
        await diesAt(bench, run, 'after:outcome:stop-clean')
        await bench.json('operator', 'cancel', run)
        await diesAt(bench, run, inCast(boundary.replace(' ', ':'), castFor(old)))
        const resumed = await bench.pointzero('operator', 'resume', run, '--json')
        assert.equal(resumed.code, 1, `${resumed.stdout.slice(-2000)}${resumed.stderr}`)
        assert.equal((await showRun(bench, run)).status, 'rolled-back')
        const after = await settled(bench)
        assert.equal(leaderOf(after), old)
        assert.deepEqual(clusterOf(after).leader, clusterOf(before).leader)
        // Opened again where it was, once.
        assert.equal(promotions(bench).requests - written.requests, 1)
      })
    }
  })

  it('has cost no client an acknowledged write, and no moment had two primaries', async () => {
    const primary = leaderOf(await settled(bench))
    await clients.acknowledged(5)
    await clients.stop()
    const judgement = await judge(bench, { clients: [clients], primary })
    assert.equal(judgement.verdict, 'passed', JSON.stringify(judgement.findings))
    assert.equal(judgement.figures.lostWrites, 0)
    assert.deepEqual(judgement.figures.dualConfirms, [])
  })
})

/** The boundaries are those of a run that nobody disturbs; the way goes round the zones, so that each is everything once. */
async function crashEverywhere(t: TestContext, bench: Bench, drill: Drill): Promise<void> {
  const { procedure } = drill
  let transactions: readonly Labels[] = []
  await t.test(`${procedure} undisturbed`, async () => {
    const trace = join(bench.lab.state.directory, `${procedure}.trace`)
    await move(bench, drill, async (run, cast) => {
      const { code, stdout } = await bench.startProgram(executorArguments(bench, run, ['--trace', trace]))
        .ended
      assert.equal(code, 0, stdout)
      transactions = readTrace(trace, cast)
    })
  })
  const chosen = chosenBoundaries(transactions, drill.sample)
  t.diagnostic(`${procedure}: ${chosen.length} of ${transactions.length * 2} boundaries, seed ${matrixSeed}`)
  for (const boundary of chosen) {
    await t.test(`${procedure} whose executor dies ${boundary}`, async () => {
      await move(bench, drill, async (run, cast) => {
        const at = inCast(boundary.replace(' ', ':'), cast)
        await diesAt(bench, run, at)
        const resumed = await bench.pointzero('operator', 'resume', run, '--json')
        // After its last word there is nothing left to take over, and that is what the next one is told.
        const isOver = boundary === 'after finished'
        assert.equal(resumed.code, isOver ? 3 : 0, `${resumed.stdout.slice(-2000)}${resumed.stderr}`)
        if (isOver) assert.match(resumed.stdout, /"RUN_FINISHED"/)
      })
    })
  }
}

async function diesAt(bench: Bench, run: string, at: string): Promise<void> {
  const died = await bench.startProgram(executorArguments(bench, run, ['--at', at])).ended
  assert.equal(died.code, 137, `it was to die ${at}: ${died.stdout}${died.stderr}`)
}

/** One run from a settled estate to a settled estate, and everything about the second that does not depend on who died when. */
async function move(
  bench: Bench,
  { procedure, disaster }: Drill,
  execute: (run: string, cast: Cast) => Promise<void>,
): Promise<void> {
  const before = await settled(bench)
  const timeline = timelineOf(before)
  const written = promotions(bench)
  const old = leaderOf(before)
  await disaster(bench, old)
  const wanted = othersThan(old)[0]
  const to = procedure === 'switchover' ? ['--param', `to=ledger-${wanted}`] : []
  const { run } = await openApproved(bench, procedure, ...to)
  await execute(run, castFor(old))
  const shown = await showRun(bench, run)
  assert.equal(shown.status, 'completed', JSON.stringify(shown.records.at(-1)))
  const after = await settled(bench)
  const next = leaderOf(after)
  if (procedure === 'switchover') assert.equal(next, wanted)
  else assert.notEqual(next, old)
  const { leader } = clusterOf(after)
  const others = othersThan(next).map((host) => `ledger-${host}`)
  assert.deepEqual([leader?.publishedSync, leader?.publishedCount], [others, 1])
  assert.equal(leader?.systemIdentifier, clusterOf(before).leader?.systemIdentifier)
  assert.equal(timelineOf(after), timeline + 1)
  await until('every standby writes that timeline', async () => {
    const members = (await bench.operator.status()).facts.clusters[0]?.members ?? []
    return members.every((member) => member.timeline === timeline + 1)
  })
  // What can not be undone happened once, says PostgreSQL itself.
  const now = promotions(bench)
  assert.equal(now.requests - written.requests, 1)
  assert.deepEqual(now.timelines.slice(written.timelines.length), [timeline + 1])
}

function castFor(old: ZoneHostName): Cast {
  const [next, other] = othersThan(old)
  return { old, next, other }
}

function timelineOf(status: ControlPlaneStatus): number {
  const leader = status.facts.clusters[0]?.members.find(({ host }) => host === leaderOf(status))
  return leader?.timeline ?? 0
}

function readTrace(file: string, cast: Cast): readonly Labels[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  const roles = Object.entries(cast) as readonly (readonly [string, string])[]
  const toRoles = (label: string): string =>
    roles.reduce((text, [role, host]) => text.replaceAll(host, `{${role}}`), label)
  return lines.map((line) => (JSON.parse(line) as Labels).map(toRoles)).filter((labels) => labels.length > 0)
}

function inCast(label: string, cast: Cast): string {
  const roles = Object.entries(cast) as readonly (readonly [string, string])[]
  return roles.reduce((text, [role, host]) => text.replaceAll(`{${role}}`, host), label)
}
