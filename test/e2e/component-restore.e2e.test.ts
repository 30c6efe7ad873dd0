import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { destroyData } from '../../src/lab/faults/destroy-data.ts'
import { destroyAllData } from '../../src/lab/faults/seeded-fault.ts'
import { zoneHostNames } from '../../src/lab/lab-host.ts'
import { startOfProcess } from '../../src/lab/process-table.ts'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import { benchUp, until } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { judge, startClients } from './support/clients.ts'
import type { Clients } from './support/clients.ts'
import { dieAtBoundaries } from './support/crash-boundaries.ts'
import type { OpenedRun } from './support/crash-boundaries.ts'
import {
  ask,
  clusterOf,
  leaderOf,
  othersThan,
  outcomeOf,
  runApproved,
  settled,
  showRun,
} from './support/estate-view.ts'
import { executorArguments, openApproved } from './support/interrupted-run.ts'
import { castFor } from './support/journal-boundaries.ts'
import { caughtUp } from './support/recovery-goal.ts'

const seed = Number(process.env['POINTZERO_CRASH_SEED'] ?? 1)
const toTheEnd = ['--param', 'target=end', '--param', 'accept-loss=yes']

describe('a database whose every data directory is gone comes back from its copies', () => {
  let bench: Bench
  before(async () => {
    bench = await benchUp()
    await settled(bench)
    await runApproved(bench, 'backup')
  })
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  it('while clients write: all that was archived is there, the rest is what the run said may be lost, and they go on', async (t) => {
    const clients = await startClients(bench, 'restore', { probers: [] })
    await clients.acknowledged(60)
    await settled(bench)
    const others = await processesBeside(bench)
    const log = join(clients.directory, 'faults.jsonl')
    const order = { log, seed, earliestMs: 500, latestMs: 2_000 }
    await destroyAllData(bench.lab, order, new AbortController().signal)
    await emptied(bench)
    const refused = await bench.pointzero('operator', 'plan', 'component-restore', '--param', 'target=end')
    assert.equal(refused.code, 3, refused.stdout)
    assert.match(refused.stdout + refused.stderr, /LOSS_NOT_ACCEPTED/)
    const { run, plan } = await openApproved(bench, 'component-restore', ...toTheEnd)
    assert.match(JSON.stringify(plan.steps.find(({ id }) => id === 'claim')?.args), /lost: commits/)
    const ended = await bench.startProgram(executorArguments(bench, run, [])).ended
    assert.equal(ended.code, 0, ended.stdout.slice(-2000))
    const leader = leaderOf(await settled(bench))
    await clients.acknowledged(40)
    await clients.stop()
    for (const [pid, start] of others) assert.equal(startOfProcess(pid), start, `process ${pid} went on`)
    const judgement = await judge(bench, { clients: [clients], primary: leader, hasFault: true })
    const failed = judgement.findings.filter(({ verdict }) => verdict !== 'passed')
    const isLoss = ({ check }: { readonly check: string }) => check === 'acknowledged writes survive'
    assert.deepEqual(
      failed.filter((finding) => !isLoss(finding)),
      [],
    )
    const { heldUntilMs, confirmedCommitsLost } = await archiveEnd(bench, run)
    assert.equal(confirmedCommitsLost, 'unknown')
    const { lostWrites, lostIds, acknowledgedWrites, recoveryPointMs } = judgement.figures
    t.diagnostic(
      `seed ${seed}: ${lostWrites} of ${acknowledgedWrites} acknowledged writes lost, ${recoveryPointMs} ms`,
    )
    assertLostLate(clients, lostIds, Number(heldUntilMs))
  })

  it('refuses while a standby has its data, and names what to do instead', async () => {
    const ended = await bench.pointzero('operator', 'plan', 'component-restore', ...toTheEnd)
    assert.equal(ended.code, 3)
    assert.match(ended.stdout + ended.stderr, /PRIMARY_RUNS/)
  })

  it('ends the same when its executor dies at a boundary of its journal and another goes on', async (t) => {
    await dieAtBoundaries(t, bench, sampled(), async (table) => await lose(bench, table))
  })
})

/** Beside every point of no return one, and one that the seed chooses. */
function sampled(): readonly string[] {
  const random = new SimRandom(seed)
  const others = ['restore', 'replay', 'check', 'finish', 'start', 'set-sync', 'acknowledge'].flatMap(
    (step) => [`after intent:${step}`, `after outcome:${step}`],
  )
  return ['after intent:claim', 'after intent:install', 'after intent:promote', random.pick(others)]
}

/** Rows that the archive has, and then no data directory any more. */
async function lose(bench: Bench, table: string): Promise<OpenedRun> {
  const leader = leaderOf(await settled(bench))
  await ask(bench, leader, `create table ${table} as select generate_series(1, 3) as id`)
  await caughtUp(bench)
  await destroyData(bench.lab.state.directory, zoneHostNames)
  await emptied(bench)
  const { run } = await openApproved(bench, 'component-restore', ...toTheEnd)
  return { run, cast: castFor(leader), isWhole: async () => await isBack(bench, table) }
}

async function isBack(bench: Bench, table: string): Promise<void> {
  const leader = leaderOf(await settled(bench))
  for (const host of [leader, ...othersThan(leader)])
    assert.deepEqual(
      await ask(bench, host, `select count(*)::int as rows from ${table}`),
      [{ rows: 3 }],
      host,
    )
}

/** The agents say so themselves, and nothing that began before they did is in the way. */
async function emptied(bench: Bench): Promise<void> {
  await until('every member has lost its data', async () => {
    const status = await bench.operator.status()
    const members = status.facts.clusters[0]?.members ?? []
    return (
      clusterOf(status).openRun === '' &&
      members.every(
        ({ reachable, role, systemIdentifier }) => reachable && role === 'stopped' && systemIdentifier === '',
      )
    )
  })
}

/** Control plane and vault: nothing of them is started again. By pid and start, so that a number that is used again is seen. */
async function processesBeside({ lab }: Bench): Promise<ReadonlyMap<number, string | undefined>> {
  const pids = [...(await lab.network.pids('ctl')), ...(await lab.network.pids('vlt'))]
  assert.ok(pids.length >= 2, 'control plane and vault run')
  return new Map(pids.map((pid) => [pid, startOfProcess(pid)]))
}

async function archiveEnd(bench: Bench, run: string) {
  return outcomeOf(await showRun(bench, run), 'archive-end')?.proof as {
    readonly heldUntilMs: number | null
    readonly confirmedCommitsLost: number | string
  }
}

/** Recomputed from the clients' own logs: nothing is gone that the archive was said to hold. All of the lab has one clock. */
function assertLostLate(clients: Clients, lostIds: readonly string[], heldUntilMs: number): void {
  assert.ok(heldUntilMs > 0, 'the run says until when the archive holds everything')
  // Attempts carry the machine's monotonic stamp.
  const wallMinusMonoMs = Date.now() - Number(process.hrtime.bigint() / 1000n) / 1000
  const attempts = clients.logs().flatMap((log) => log.attempts)
  for (const id of lostIds) {
    const acknowledged = attempts.find((one) => one.id === id && one.outcome === 'acked')
    const atMs = (acknowledged?.endMs ?? 0) + wallMinusMonoMs
    assert.ok(
      atMs >= heldUntilMs,
      `${id} was acknowledged at ${atMs}, the archive holds all until ${heldUntilMs}`,
    )
  }
}
