import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { corruptDatabase } from '../../src/lab/faults/seeded-fault.ts'
import { hostPaths } from '../../src/lab/lab-paths.ts'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import { benchUp } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { judge, startClients } from './support/clients.ts'
import { dieAtBoundaries } from './support/crash-boundaries.ts'
import { ask, leaderOf, othersThan, outcomeOf, runApproved, settled, showRun } from './support/estate-view.ts'
import { executorArguments, openApproved } from './support/interrupted-run.ts'
import { castFor } from './support/journal-boundaries.ts'
import { backUp, caughtUp, goalBefore, suspicions } from './support/recovery-goal.ts'

const seed = Number(process.env['POINTZERO_CRASH_SEED'] ?? 1)

describe('a database is brought back to just before somebody ruined it', () => {
  let bench: Bench
  before(async () => {
    bench = await benchUp()
    await settled(bench)
    await backUp(bench)
  })
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  it('while clients write: nothing acknowledged before is lost, what came later is saved, and they go on', async (t) => {
    const leader = leaderOf(await settled(bench))
    const clients = await startClients(bench, 'recovery', { probers: [leader] })
    // Meanwhile hundreds of orders are executed: a corruption of fewer rows than a hundred is not looked for.
    await clients.acknowledged(150)
    const since = await position(bench)
    const log = join(clients.directory, 'faults.jsonl')
    const order = { kind: 'corrupt-any', log, seed, earliestMs: 500, latestMs: 3_000 } as const
    await corruptDatabase(bench.lab, order, new AbortController().signal)
    await clients.acknowledged(10)
    const [found] = await suspicions(bench, since)
    assert.ok(found !== undefined, 'the corruption is found')
    t.diagnostic(`seed ${seed}: ${found.kind} of ${found.name ?? 'a table'} by transaction ${found.xid}`)
    const goal = await goalBefore(bench, found.xid)
    const shown = await runApproved(bench, 'point-in-time-recovery', ...goal)
    assert.equal(shown.status, 'completed', JSON.stringify(shown.records.at(-1)))
    const now = leaderOf(await settled(bench))
    assert.equal(now, leader)
    await clients.acknowledged(40)
    await clients.stop()
    const judgement = await judge(bench, { clients: [clients], primary: leader, hasFault: true })
    assert.equal(judgement.verdict, 'passed', JSON.stringify(judgement.findings))
    assert.equal(judgement.figures.lostWrites, 0)
    assertExported(shown)
    assertRefused(join(clients.directory, `prober-${leader}.client.jsonl`))
    assert.ok(existsSync(keptDirectory(bench, leader)), 'the damaged directory is kept')
  })

  it('and gives no number of a sequence twice (T16)', async () => {
    const leader = leaderOf(await settled(bench))
    await ask(bench, leader, 'create sequence numbers; create table ruined as select 1 as one')
    await ask(bench, leader, `select nextval('numbers') from generate_series(1, 7)`)
    const since = await position(bench)
    await ask(bench, leader, 'drop table ruined')
    const given = await ask(
      bench,
      leader,
      `select max(nextval('numbers'))::int as last from generate_series(1, 90)`,
    )
    const [found] = await suspicions(bench, since)
    const shown = await runApproved(
      bench,
      'point-in-time-recovery',
      ...(await goalBefore(bench, found?.xid ?? 0)),
    )
    assert.equal(shown.status, 'completed')
    const now = leaderOf(await settled(bench))
    const [next] = await ask(
      bench,
      now,
      `select nextval('numbers')::int as next, (select count(*) from ruined)::int as rows`,
    )
    assert.equal(next?.['rows'], 1)
    assert.ok(Number(next?.['next']) > Number(given[0]?.['last']), JSON.stringify([next, given]))
  })

  it('cancelled before its point of no return, it leaves the old data served and nothing beside it', async () => {
    const { xid, leader } = await ruin(bench, 'cancelled')
    const { run } = await openApproved(bench, 'point-in-time-recovery', ...(await goalBefore(bench, xid)))
    const frozen = bench.startProgram(
      executorArguments(bench, run, ['--at', 'after:outcome:finish', '--how', 'kill']),
    )
    await frozen.ended
    await bench.json('operator', 'cancel', run)
    const { code } = await bench.startPointzero('operator', 'resume', run, '--json').ended
    assert.equal(code, 1)
    assert.equal((await showRun(bench, run)).status, 'rolled-back')
    assert.equal(leaderOf(await settled(bench)), leader)
    assert.deepEqual(
      globSync(`${hostPaths(bench.lab.state.directory, leader).directory}/**/*.restored-${run}`),
      [],
    )
    assert.deepEqual(await ask(bench, leader, `select to_regclass('cancelled')::text as name`), [
      { name: null },
    ])
    await ask(bench, leader, 'create table cancelled as select 1 as one')
  })

  it('ends the same when its executor dies at a boundary of its journal and another goes on', async (t) => {
    await dieAtBoundaries(t, bench, sampled(), async (table) => {
      const ruined = await ruin(bench, table)
      const goal = await goalBefore(bench, ruined.xid)
      const { run } = await openApproved(bench, 'point-in-time-recovery', ...goal)
      return { run, cast: castFor(ruined.leader), isWhole: async () => await isBack(bench, ruined) }
    })
  })
})

/** Beside every point of no return one, and some that the seed chooses. */
function sampled(): readonly string[] {
  const random = new SimRandom(seed)
  const others = [
    'refuse-writes',
    'restore',
    'replay',
    'check',
    'stop-clean',
    'finish',
    'start',
    'set-sync',
    'acknowledge',
  ].flatMap((step) => [`after intent:${step}`, `after outcome:${step}`])
  return [
    'after intent:claim',
    'after intent:install',
    'after intent:promote',
    random.pick(others),
    random.pick(others),
  ]
}

async function isBack(bench: Bench, { leader, table }: Ruin): Promise<void> {
  assert.equal(leaderOf(await settled(bench)), leader)
  for (const host of [leader, ...othersThan(leader)])
    assert.deepEqual(
      await ask(bench, host, `select count(*)::int as rows from ${table}`),
      [{ rows: 3 }],
      host,
    )
}

interface Ruin {
  readonly xid: number
  readonly leader: ReturnType<typeof leaderOf>
  readonly table: string
}

/** Rows that every server has, and then a statement that takes them away. */
async function ruin(bench: Bench, table: string): Promise<Ruin> {
  const leader = leaderOf(await settled(bench))
  await ask(bench, leader, `create table ${table} as select generate_series(1, 3) as id`)
  const since = await position(bench)
  await ask(bench, leader, `drop table ${table}`)
  const found = (await suspicions(bench, since)).find(({ kind }) => kind === 'drop')
  assert.ok(found !== undefined, 'the drop is found')
  return { xid: found.xid, leader, table }
}

async function position(bench: Bench): Promise<string> {
  await caughtUp(bench)
  const leader = leaderOf(await bench.operator.status())
  const [row] = await ask(bench, leader, 'select pg_current_wal_flush_lsn()::text as lsn')
  return String(row?.['lsn'])
}

function keptDirectory(bench: Bench, host: ReturnType<typeof leaderOf>): string {
  return globSync(`${hostPaths(bench.lab.state.directory, host).directory}/**/*.kept-1`)[0] ?? 'none'
}

/** Whoever goes past the gates was told no, and from then on nothing was acknowledged to it but on the recovered timeline. */
function assertRefused(log: string): void {
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  const outcomes = lines
    .map((line) => JSON.parse(line) as { outcome?: string; reason?: string; timeline?: number })
    .filter(({ outcome }) => outcome !== undefined)
  const refused = outcomes.findIndex(({ reason }) => /read-only/.test(reason ?? ''))
  assert.ok(refused > 0, 'it was refused')
  const timelines = (part: typeof outcomes) => part.flatMap(({ timeline }) => timeline ?? [])
  const before = Math.max(...timelines(outcomes.slice(0, refused)))
  const after = timelines(outcomes.slice(refused))
  assert.ok(after.length > 0 && Math.min(...after) > before, `${before}, then ${after.slice(0, 5).join()}`)
}

/** The file is there, as many rows as the proof says, and its digest is that of the proof. */
function assertExported(shown: Awaited<ReturnType<typeof showRun>>): void {
  const proof = outcomeOf(shown, 'export-after')?.proof as {
    readonly file: string
    readonly rows: number
    readonly sha256: string
  }
  const content = readFileSync(proof.file)
  assert.equal(createHash('sha256').update(content).digest('hex'), proof.sha256)
  assert.equal(content.toString().split('\n').length - 1, proof.rows)
  assert.ok(proof.rows > 0, 'clients wrote behind the target')
}
