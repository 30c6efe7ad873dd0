import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { runCommand } from '../../src/lab/run-command.ts'
import { personContext, productRoot } from '../../src/lab/lab-paths.ts'
import { benchUp } from './support/bench.ts'
import type { Bench, Started } from './support/bench.ts'
import { isAcked, judge, rowsOf, startClients } from './support/clients.ts'
import type { Clients } from './support/clients.ts'
import {
  clusterOf,
  leaderOf,
  othersThan,
  outcomeOf,
  runApproved,
  runsOf,
  settled,
  showRun,
  takeOversOf,
} from './support/estate-view.ts'
import { promotions } from './support/server-logs.ts'
import { executorArguments, openApproved, untilFrozen } from './support/interrupted-run.ts'

describe('a switchover, with clients that write all the time', () => {
  let bench: Bench
  let clients: Clients
  before(async () => {
    bench = await benchUp()
    clients = await startClients(bench, 'switchover')
  })
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  it('moves the primary there and back, and clients go on writing', async (t) => {
    const old = leaderOf(await settled(bench))
    const [next] = othersThan(old)
    for (const host of [next, old]) {
      await clients.acknowledged(10)
      const { status, records } = await runApproved(bench, 'switchover', '--param', `to=ledger-${host}`)
      assert.equal(status, 'completed', JSON.stringify(records.at(-1)))
      assert.equal(leaderOf(await settled(bench)), host)
      await clients.acknowledged(10)
    }
    t.diagnostic(`longest time without an acknowledged row: ${longestGapMs(clients)} ms`)
  })

  it('cancelled before its point of no return, is undone: the old primary leads and clients write', async () => {
    const { program, run, old } = await freeze(bench, 'after:outcome:stop-clean')
    const cancelled = await bench.json<{ readonly rollsBack: boolean }>('operator', 'cancel', run)
    assert.equal(cancelled.rollsBack, true)
    program.signal('SIGCONT')
    const { code, stdout } = await program.ended
    assert.equal(code, 1, stdout)
    await assertRolledBack(bench, run, old)
    await clients.acknowledged(10)
  })

  it('cancelled after its executor died, is undone by whoever resumes it', async () => {
    const { program, run, old } = await freeze(bench, 'after:intent:stop-clean')
    program.signal('SIGKILL')
    await program.ended
    await bench.json('operator', 'cancel', run)
    const { code } = await bench.startPointzero('operator', 'resume', run, '--json').ended
    assert.equal(code, 1)
    await assertRolledBack(bench, run, old)
    await clients.acknowledged(10)
  })

  it('cancelled after its point of no return, goes forward to its end and says so', async () => {
    const { program, run, next } = await freeze(bench, 'after:outcome:claim')
    const cancelled = await bench.json<{ readonly rollsBack: boolean }>('operator', 'cancel', run)
    assert.equal(cancelled.rollsBack, false)
    program.signal('SIGCONT')
    assert.equal((await program.ended).code, 1)
    assert.equal((await showRun(bench, run)).status, 'cancelled-after-point-of-no-return')
    assert.equal(leaderOf(await settled(bench)), next)
    await clients.acknowledged(10)
  })

  for (const boundary of ['after:intent:promote', 'before:intent:claim', 'after:intent:stop-clean']) {
    it(`is taken over from an executor that froze ${boundary}; when it wakes it has no further effect and says so`, async () => {
      const promoted = promotions(bench).requests
      const { program, run, next } = await freeze(bench, boundary)
      const resumed = await bench.startPointzero('operator', 'resume', run, '--json').ended
      assert.equal(resumed.code, 0, resumed.stdout.slice(-2000))
      const settledStatus = await settled(bench)
      const { records } = await showRun(bench, run)
      program.signal('SIGCONT')
      const { code, stdout } = await program.ended
      assert.match(stdout, /"(RUN_SUPERSEDED|EPOCH_STALE|RUN_FINISHED)"/)
      assert.equal(code, 5, stdout)
      // Long enough for anything that it had sent to arrive.
      await clients.acknowledged(20)
      const later = await showRun(bench, run)
      assert.deepEqual(later.records, records)
      assert.equal(later.status, 'completed')
      assert.equal(takeOversOf(later), 2)
      const now = await settled(bench)
      assert.deepEqual(clusterOf(now).leader, clusterOf(settledStatus).leader)
      assert.equal(leaderOf(now), next)
      assert.equal(promotions(bench).requests - promoted, 1)
    })
  }

  it('started by two operators at once is one run, and the other is told why', async () => {
    const before = (await runsOf(bench)).length
    const old = leaderOf(await settled(bench))
    const to = ['--param', `to=ledger-${othersThan(old)[0]}`]
    const { hash } = await bench.json<{ readonly hash: string }>('operator', 'plan', 'switchover', ...to)
    // The approval arrives twice, too.
    await bench.json('approver', 'approve', hash)
    await bench.json('approver', 'approve', hash)
    const order = ['run', 'switchover', '--approve', hash, ...to, '--json']
    const both = [0, 1].map(() => bench.startPointzero('operator', ...order))
    const ended = await Promise.all(both.map(async (one) => one.ended))
    const [winner, loser] = ended.toSorted((a, b) => a.code - b.code)
    assert.equal(winner?.code, 0, String(winner?.stdout.slice(-2000)))
    assert.match(loser?.stdout ?? '', /"(RUN_OPEN|PLAN_CHANGED|APPROVAL_USED)"/)
    assert.ok(loser?.code === 5 || loser?.code === 3, `exit code ${loser?.code}`)
    const after = await settled(bench)
    assert.equal(leaderOf(after), othersThan(old)[0])
    const runs = (await runsOf(bench)).slice(before)
    assert.deepEqual(
      runs.map(({ procedure, status }) => [procedure, status]),
      [['switchover', 'completed']],
    )
  })

  it('goes on with the plan that was pinned, although estate and procedure were edited meanwhile', async () => {
    const { program, run, next } = await freeze(bench, 'after:outcome:stop-clean')
    program.signal('SIGKILL')
    await program.ended
    const before = await showRun(bench, run)
    const edited = editedProduct(bench)
    const { network } = bench.lab
    const resumed = await runCommand(
      network.argvOn('client', [process.execPath, edited, 'resume', run, ...contextOf(bench)]),
    )
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr)
    // The same edited product can not plan, so it can not have made the plan that was executed.
    const planned = await runCommand(
      network.argvOn('client', [process.execPath, edited, 'plan', 'switchover', ...contextOf(bench)]),
    )
    assert.match(planned.stderr, /edited during a run/)
    const shown = await showRun(bench, run)
    assert.equal(shown.status, 'completed')
    assert.deepEqual([shown.planHash, shown.plan], [before.planHash, before.plan])
    for (const { id } of shown.plan.steps)
      assert.ok(outcomeOf(shown, id) !== undefined, `${id} has an outcome`)
    assert.equal(leaderOf(await settled(bench)), next)
  })

  it('has cost no client an acknowledged write, and no moment had two confirming primaries', async () => {
    const primary = leaderOf(await settled(bench))
    await clients.acknowledged(5)
    await clients.stop()
    const { verdict, findings, figures } = await judge(bench, { clients: [clients], primary })
    assert.equal(verdict, 'passed', JSON.stringify(findings))
    assert.equal(figures.lostWrites, 0)
    assert.deepEqual(figures.dualConfirms, [])
    assert.deepEqual(figures.dualRoles, [])
  })
})

interface Frozen {
  readonly program: Started
  readonly run: string
  readonly old: ReturnType<typeof leaderOf>
  readonly next: ReturnType<typeof leaderOf>
}

/** A switchover whose executor stands still at that boundary. */
async function freeze(bench: Bench, boundary: string): Promise<Frozen> {
  const old = leaderOf(await settled(bench))
  const [next] = othersThan(old)
  const { run } = await openApproved(bench, 'switchover', '--param', `to=ledger-${next}`)
  const program = bench.startProgram(executorArguments(bench, run, ['--at', boundary, '--how', 'freeze']))
  await untilFrozen(program)
  return { program, run, old, next }
}

async function assertRolledBack(bench: Bench, run: string, old: string): Promise<void> {
  const shown = await showRun(bench, run)
  assert.equal(shown.status, 'rolled-back', JSON.stringify(shown.records.at(-1)))
  const intended = shown.records.flatMap(({ event }) =>
    event.type === 'intent' && event.kind === 'apply' ? [event.step] : [],
  )
  for (const step of new Set(intended)) {
    const outcome = outcomeOf(shown, step)
    assert.equal(outcome?.result, 'compensated', `${step} was undone`)
    assert.ok(outcome.proof !== undefined, `that ${step} was undone was observed`)
  }
  assert.equal(leaderOf(await settled(bench)), old)
}

/** A copy of the product with another switchover in it, beside an estate with another policy. */
function editedProduct(bench: Bench): string {
  const { directory } = bench.lab.state
  const copy = join(directory, 'edited-product')
  mkdirSync(copy)
  for (const name of ['src', 'package.json'])
    cpSync(join(productRoot, name), join(copy, name), { recursive: true })
  symlinkSync(join(productRoot, 'node_modules'), join(copy, 'node_modules'))
  const procedure = join(copy, 'src/procedures/switchover.ts')
  const text = readFileSync(procedure, 'utf8')
  const changed = text.replace(
    'plan(request: PlanRequest): Plan {',
    "$& throw new Error('edited during a run')\n",
  )
  assert.notEqual(changed, text)
  writeFileSync(procedure, changed)
  const estate = join(personContext(directory, 'operator'), '..', 'estate.yaml')
  const declared = readFileSync(estate, 'utf8')
  const other = declared.replace(/detect: PT\d+S/, 'detect: PT9S')
  assert.notEqual(other, declared)
  writeFileSync(join(copy, 'estate.yaml'), other)
  return join(copy, 'src/cli/main.ts')
}

function contextOf({ lab }: Bench): readonly string[] {
  const { directory } = lab.state
  const estate = join(directory, 'edited-product', 'estate.yaml')
  return ['--context', personContext(directory, 'operator'), '--estate', estate]
}

function longestGapMs(clients: Clients): number {
  const ends = rowsOf(clients.logs())
    .filter(isAcked)
    .map(({ endMs = 0 }) => endMs)
  return Math.round(Math.max(...ends.slice(1).map((ms, index) => ms - (ends[index] ?? ms))))
}
