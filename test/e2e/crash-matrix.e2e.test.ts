import assert from 'node:assert/strict'
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
import { atEach } from './support/crash-boundaries.ts'
import { chosenBoundaries, matrixSeed } from './support/chosen-boundaries.ts'
import { boundariesOf, castFor, inCast } from './support/journal-boundaries.ts'
import type { Cast } from './support/journal-boundaries.ts'
import { clusterOf, leaderOf, othersThan, settled, showRun } from './support/estate-view.ts'
import { executorArguments, openApproved } from './support/interrupted-run.ts'
import { leadership, promotions } from './support/server-logs.ts'

/** The end that an execution came to, and that whoever resumes it comes to as well. */
interface End {
  readonly status: 'completed' | 'rolled-back'
  readonly exitCode: number
}

/** Boundaries of each that run by default beside the pivotal ones; POINTZERO_CRASH_MATRIX=full runs all of them, for half an hour. */
const samples = { switchover: 10, rollback: 5, 'zone-failover': 6, reprotect: 6 } as const

const completed: End = { status: 'completed', exitCode: 0 }
const rolledBack: End = { status: 'rolled-back', exitCode: 1 }

/** Executes an open run in its own way: undisturbed, or dying at a boundary and going on elsewhere. */
type Execute = (run: string, cast: Cast, end: End) => Promise<void>

/** Cases mostly wait, so two estates go on side by side. Each is a place of its own: nothing is shared. */
describe('an executor that dies at a boundary of its journal', { concurrency: 2 }, () => {
  describe('of a planned move', { concurrency: 1 }, () => {
    const place = estate()

    it('leaves a switchover that another process ends as if nothing had been', async (t) => {
      await crashEverywhere(
        t,
        place.bench,
        'switchover',
        async (execute) => await switchOver(place.bench, execute),
      )
    })

    it('leaves a cancelled switchover undone, whoever undoes it to the end', async (t) => {
      await crashEverywhere(
        t,
        place.bench,
        'rollback',
        async (execute) => await cancelSwitchover(place.bench, execute),
      )
    })

    it('has cost no client an acknowledged write, and no moment had two primaries', place.judged)
  })

  describe('of a failover', { concurrency: 1 }, () => {
    const place = estate()
    // Here people bring a lost member back too, at once, so that nothing has to be waited for.
    before(async () => await withdraw(place.bench, 'reprotect'))

    it('leaves a zone failover that another process ends as if nothing had been', async (t) => {
      const { bench } = place
      let rejoins: readonly string[] = []
      await t.test('reprotect undisturbed', async () => {
        rejoins = await traced(bench, async (rejoin) => await failOver(bench, undisturbed(bench), rejoin))
      })
      const all = rejoins.length
      rejoins = chosenBoundaries(rejoins, samples.reprotect)
      t.diagnostic(`reprotect: ${rejoins.length} of ${all} boundaries, one beside each of the zone failover`)
      let turn = 0
      await crashEverywhere(t, bench, 'zone-failover', async (fail) => {
        const rejoin = rejoins[turn++ % rejoins.length] ?? 'none'
        t.diagnostic(`here the executor of the reprotection dies ${rejoin}`)
        await failOver(bench, fail, dying(bench, rejoin))
      })
      assert.ok(turn >= rejoins.length, `every boundary of a reprotection has its turn in ${turn}`)
    })

    it('has cost no client an acknowledged write, and no moment had two primaries', place.judged)
  })
})

/** A real estate with clients, whose zone failovers are run by people: the control plane is not to be faster. */
function estate(): { readonly bench: Bench; readonly judged: () => Promise<void> } {
  let up: { readonly bench: Bench; readonly clients: Clients } | undefined
  const place = {
    get bench(): Bench {
      assert.ok(up !== undefined, 'the estate is up')
      return up.bench
    },
    async judged(): Promise<void> {
      assert.ok(up !== undefined, 'the estate is up')
      const { bench, clients } = up
      const primary = leaderOf(await settled(bench))
      await clients.acknowledged(5)
      await clients.stop()
      const judgement = await judge(bench, { clients: [clients], primary })
      assert.equal(judgement.verdict, 'passed', JSON.stringify(judgement.findings))
      assert.equal(judgement.figures.lostWrites, 0)
      assert.deepEqual(judgement.figures.dualConfirms, [])
    },
  }
  before(async () => {
    const bench = await benchUp()
    up = { bench, clients: await startClients(bench, 'matrix', { rowEveryMs: 100 }) }
    await withdraw(bench, 'zone-failover')
  })
  after(async () => await up?.bench.down())
  return place
}

/** From now on only a person's approval lets it run. */
async function withdraw(bench: Bench, procedure: string): Promise<void> {
  await bench.json('approver', 'approve', '--standing', procedure, '--expires', 'PT1S')
  await sleep(1_100)
}

/** The boundaries are those of a run that nobody disturbs; the way goes round the zones, so that each is everything once. */
async function crashEverywhere(
  t: TestContext,
  bench: Bench,
  name: Exclude<keyof typeof samples, 'reprotect'>,
  play: (execute: Execute) => Promise<void>,
): Promise<void> {
  let boundaries: readonly string[] = []
  await t.test(`${name} undisturbed`, async () => {
    boundaries = await traced(bench, play)
  })
  assert.ok(boundaries.length > 0, `${name} has boundaries`)
  const chosen = chosenBoundaries(boundaries, samples[name])
  t.diagnostic(`${name}: ${chosen.length} of ${boundaries.length} boundaries, seed ${matrixSeed}`)
  await atEach(t, chosen, {
    title: (boundary) => `${name} whose executor dies ${boundary}`,
    dies: async (boundary) => await play(dying(bench, boundary)),
  })
}

/** Executes it to its end, and says at which boundaries it could have died. */
async function traced(bench: Bench, play: (execute: Execute) => Promise<void>): Promise<readonly string[]> {
  let boundaries: readonly string[] = []
  await play(async (run, cast, { exitCode }) => {
    const trace = join(bench.lab.state.directory, `${run}.trace`)
    await executeUntil(bench, run, ['--trace', trace], exitCode)
    boundaries = boundariesOf(trace, cast)
  })
  return boundaries
}

function undisturbed(bench: Bench): Execute {
  return async (run, _cast, { exitCode }) => await executeUntil(bench, run, [], exitCode)
}

/** SIGKILL at the boundary, and `pointzero resume` from another process. */
function dying(bench: Bench, boundary: string): Execute {
  return async (run, cast, { exitCode }) => {
    await executeUntil(bench, run, ['--at', inCast(boundary, cast)], 137)
    const resumed = await bench.pointzero('operator', 'resume', run, '--json')
    // After its last word there is nothing left to take over, and that is what the next one is told.
    const isOver = boundary === 'after finished'
    assert.equal(resumed.code, isOver ? 3 : exitCode, `${resumed.stdout.slice(-2000)}${resumed.stderr}`)
    if (isOver) assert.match(resumed.stdout, /"RUN_FINISHED"/)
  }
}

async function executeUntil(bench: Bench, run: string, args: readonly string[], code: number): Promise<void> {
  const ended = await bench.startProgram(executorArguments(bench, run, args)).ended
  assert.equal(ended.code, code, `executor ${args.join(' ')}: ${ended.stdout}${ended.stderr}`)
}

async function switchOver(bench: Bench, execute: Execute): Promise<void> {
  const before = await settled(bench)
  const old = leaderOf(before)
  const { next } = castFor(old)
  const logs = serverLogs(bench)
  const { run } = await openApproved(bench, 'switchover', '--param', `to=ledger-${next}`)
  await execute(run, castFor(old), completed)
  const after = await endedWith(bench, run, completed)
  assert.equal(leaderOf(after), next)
  await isWhole(bench, before, after)
  assert.deepEqual(logs.since(), oneMove(before, after))
}

/** Cancelled when the old primary had ended. */
async function cancelSwitchover(bench: Bench, execute: Execute): Promise<void> {
  const before = await settled(bench)
  const old = leaderOf(before)
  const logs = serverLogs(bench)
  const { run } = await openApproved(bench, 'switchover', '--param', `to=ledger-${castFor(old).next}`)
  await executeUntil(bench, run, ['--at', 'after:outcome:stop-clean'], 137)
  await bench.json('operator', 'cancel', run)
  await execute(run, castFor(old), rolledBack)
  const after = await endedWith(bench, run, rolledBack)
  assert.deepEqual(clusterOf(after).leader, clusterOf(before).leader)
  await isWhole(bench, before, after)
  // Opened again where it was, once; nobody else ever led.
  assert.deepEqual(logs.since(), oneMove(before, after))
}

/** Two runs: the primary ends and another leads, then the lost member is brought back as a standby. */
async function failOver(bench: Bench, fail: Execute, rejoin: Execute): Promise<void> {
  const before = await settled(bench)
  const old = leaderOf(before)
  const logs = serverLogs(bench)
  await losePrimary(bench, old)
  const { run } = await openApproved(bench, 'zone-failover')
  await fail(run, castFor(old), completed)
  assert.equal((await showRun(bench, run)).status, 'completed')
  const { run: second } = await openApproved(bench, 'reprotect', '--param', `member=ledger-${old}`)
  await rejoin(second, castFor(old), completed)
  const after = await endedWith(bench, second, completed)
  assert.notEqual(leaderOf(after), old)
  await isWhole(bench, before, after)
  assert.deepEqual(logs.since(), oneMove(before, after))
}

async function losePrimary(bench: Bench, host: ZoneHostName): Promise<void> {
  const { network, state } = bench.lab
  await inject('kill-postmaster', { network, directory: state.directory, host })
  await until('its agent says that the primary ended', async () => {
    const { facts } = await bench.operator.status()
    const member = facts.clusters[0]?.members.find((one) => one.host === host)
    return member?.reachable === true && member.role === 'stopped'
  })
}

async function endedWith(bench: Bench, run: string, { status }: End): Promise<ControlPlaneStatus> {
  const shown = await showRun(bench, run)
  assert.equal(shown.status, status, JSON.stringify(shown.records.at(-1)))
  return await settled(bench)
}

/** What a settled estate is, whoever died when. */
async function isWhole(bench: Bench, before: ControlPlaneStatus, after: ControlPlaneStatus): Promise<void> {
  const { leader } = clusterOf(after)
  const others = othersThan(leaderOf(after)).map((host) => `ledger-${host}`)
  assert.deepEqual([leader?.publishedSync, leader?.publishedCount], [others, 1])
  assert.equal(leader?.systemIdentifier, clusterOf(before).leader?.systemIdentifier)
  const timeline = timelineOf(before) + 1
  await until('every member writes the next timeline', async () => {
    const members = (await bench.operator.status()).facts.clusters[0]?.members ?? []
    return members.every((member) => member.timeline === timeline)
  })
}

interface Logged {
  readonly requests: number
  readonly timelines: readonly number[]
  /** Who led, beginning with whoever did at first. */
  readonly leaders: readonly string[]
}

/** What can not be undone, as PostgreSQL and the control plane themselves have written it down from now on. */
function serverLogs(bench: Bench): { readonly since: () => Logged } {
  const [promoted, led] = [promotions(bench), leadership(bench)]
  return {
    since() {
      const { requests, timelines } = promotions(bench)
      return {
        requests: requests - promoted.requests,
        timelines: timelines.slice(promoted.timelines.length),
        leaders: leadership(bench).slice(led.length - 1),
      }
    },
  }
}

/** One claim, one promotion, one timeline. */
function oneMove(before: ControlPlaneStatus, after: ControlPlaneStatus): Logged {
  const leaders = [before, after].map((status) => clusterOf(status).leader?.member ?? '')
  return { requests: 1, timelines: [timelineOf(before) + 1], leaders: [...new Set(leaders)] }
}

function timelineOf(status: ControlPlaneStatus): number {
  const leader = status.facts.clusters[0]?.members.find(({ host }) => host === leaderOf(status))
  return leader?.timeline ?? 0
}
