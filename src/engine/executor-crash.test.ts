import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ControlStore } from '../ports/control-store.ts'
import {
  run,
  keys,
  SeededRandom,
  failure,
  journalOf,
  step,
  planOf,
  failover,
  bed,
  execute,
  Fuse,
  liveAndDie,
  eventsOf,
  allFacts,
  assertCompleted,
  finish,
} from '../../test/support/executor-bed.ts'
import type { Fault } from '../../test/support/executor-bed.ts'
import { cancelRun } from './operator-events.ts'
import type { RunEvent } from './run-event.ts'

test('killed at any instruction and resumed, it reaches the same end state, and no effect precedes its intent', async () => {
  const whole = new Fuse(Number.MAX_SAFE_INTEGER)
  assert.ok(await liveAndDie(await bed(failover), whole, 1))
  for (let at = 0; at <= whole.calls * 2; at += 1) {
    const on = await bed(failover)
    if (await liveAndDie(on, new Fuse(at), 1)) continue
    assert.equal((await finish(on)).status, 'completed', `killed at ${at}`)
    await assertCompleted(on)
  }
})

test('killed twice at any pair of instructions, it still reaches the same end state', async () => {
  const short = planOf(step('detach', []), step('promote', ['detach'], { effect: 'point-of-no-return' }))
  const whole = new Fuse(Number.MAX_SAFE_INTEGER)
  await liveAndDie(await bed(short), whole, 1)
  for (let first = 0; first <= whole.calls * 2; first += 1) {
    for (let second = first % 7; second <= whole.calls * 2; second += 7) {
      const on = await bed(short)
      if (await liveAndDie(on, new Fuse(first), 1)) continue
      if (!(await liveAndDie(on, new Fuse(second), 2))) await finish(on)
      assert.deepEqual(on.target.effects, ['set detach', 'set promote'], `killed at ${first} and ${second}`)
      assert.deepEqual(on.target.violations, [])
    }
  }
})

test('a permanent failure before the point of no return undoes everything in reverse order, killed anywhere or not', async () => {
  const plan = planOf(
    step('fence', []),
    step('detach', ['fence']),
    step('broken', ['detach']),
    step('promote', ['broken'], { effect: 'point-of-no-return' }),
  )
  const failing: Fault = async (request, phase) => {
    if (phase === 'apply' && request.action === 'set' && request.args['fact'] === 'broken')
      throw failure('permanent')
    return 'go-on'
  }
  const whole = new Fuse(Number.MAX_SAFE_INTEGER)
  const first = await bed(plan)
  first.target.fault = failing
  await liveAndDie(first, whole, 1)
  for (let at = 0; at <= whole.calls * 2 + 2; at += 1) {
    const on = await bed(plan)
    on.target.fault = failing
    await liveAndDie(on, new Fuse(at), 1)
    const result = await finish(on)
    assert.equal(result.status, 'rolled-back', `killed at ${at}`)
    assert.deepEqual(
      result.missing.map((missing) => missing.step),
      ['broken', 'promote'],
    )
    assert.deepEqual(
      on.target.effects,
      ['set fence', 'set detach', 'unset detach', 'unset fence'],
      `killed at ${at}`,
    )
    assert.deepEqual(on.target.violations, [])
  }
})

test('a cancel at any instruction either undoes everything or changes nothing about going forward', async () => {
  const whole = new Fuse(Number.MAX_SAFE_INTEGER)
  await liveAndDie(await bed(failover), whole, 1)
  const statuses = new Set<string>()
  for (let at = 0; at < whole.calls; at += 1) {
    const on = await bed(failover)
    const fuse = new Fuse(Number.MAX_SAFE_INTEGER)
    const cancelAt: ControlStore & { armed: boolean } = Object.assign(fuse.store(on.store), { armed: true })
    const original = fuse.pass.bind(fuse)
    fuse.pass = async (call) => {
      if (fuse.calls === at && cancelAt.armed) {
        cancelAt.armed = false
        const place = { clock: on.clock, store: on.store, keys, run, writer: 'prn_operator' }
        await cancelRun(place).catch((error: unknown) =>
          assert.equal((error as RecoveryError).code, 'RUN_FINISHED'),
        )
      }
      return await original(call)
    }
    const result = await execute(on, { store: cancelAt, performer: fuse.performer(on.target.performer()) })
    statuses.add(result.status)
    assert.deepEqual(on.target.violations, [])
    const forward = on.target.facts.has('promote')
    assert.deepEqual([...on.target.facts].sort(), forward ? allFacts : [], `cancelled at ${at}`)
    assert.equal(forward, result.status !== 'rolled-back')
    const order = (await journalOf(on.store)).map(({ event }) => event)
    const cancelled = order.findIndex(({ type }) => type === 'cancel-requested')
    const started = order.findLastIndex((event) => event.type === 'intent' && event.kind === 'apply')
    if (!forward) assert.ok(started < cancelled, `cancelled at ${at}: something was started after the cancel`)
    if (forward && cancelled >= 0)
      assert.ok(
        order.slice(0, cancelled).some((event) => event.type === 'intent' && event.step === 'promote'),
      )
    if (result.status === 'cancelled-after-point-of-no-return') {
      const finished = eventsOf(await journalOf(on.store), 'finished').at(-1) as RunEvent & {
        type: 'finished'
      }
      assert.equal(finished.pointOfNoReturn, 'promote')
    }
  }
  assert.ok(
    statuses.has('rolled-back') && statuses.has('cancelled-after-point-of-no-return'),
    [...statuses].join(),
  )
})

test('a store that loses replies and is away for a while changes nothing about the end', async () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const on = await bed(failover)
    const random = new SeededRandom(seed + 1)
    const flaky: ControlStore = {
      get: (key) => on.store.get(key),
      list: (prefix) => on.store.list(prefix),
      changes: (prefix, revision, timeoutMs) => on.store.changes(prefix, revision, timeoutMs),
      transact: async (transaction) => {
        const fate = random.integer(4)
        if (fate === 0)
          throw new RecoveryError({ code: 'STORE_UNREACHABLE', class: 'transient', message: '', hint: '' })
        const result =
          fate === 1 && random.integer(2) === 0 ? undefined : await on.store.transact(transaction)
        if (fate === 1)
          throw new RecoveryError({
            code: 'STORE_REPLY_LOST',
            class: 'unknown-outcome',
            message: '',
            hint: '',
          })
        return result as never
      },
    }
    assert.equal((await execute(on, { store: flaky, seed })).status, 'completed', `seed ${seed}`)
    await assertCompleted(on)
  }
})

test('whatever fails, whoever dies and whenever it is cancelled: all forward, or nothing left, or what is left is named', async () => {
  const seen = new Map<string, number>()
  for (let seed = 1; seed <= 150; seed += 1) {
    const on = await bed(failover)
    const random = new SeededRandom(seed)
    on.target.fault = async (_, phase) => {
      const fate = random.integer(phase === 'apply' ? 12 : 40)
      if (fate === 0) throw failure('transient')
      if (fate === 1) throw failure('permanent')
      if (fate === 2) throw failure('refused')
      return fate <= 4 ? 'lose-reply' : 'go-on'
    }
    if (random.integer(3) === 0) await liveAndDie(on, new Fuse(random.integer(80)), seed)
    if (random.integer(4) === 0) {
      const place = { clock: on.clock, store: on.store, keys, run, writer: 'prn_operator' }
      await cancelRun(place).catch(() => 'finished before')
    }
    const { status, missing } = await finish(on)
    seen.set(status, (seen.get(status) ?? 0) + 1)
    assert.deepEqual(on.target.violations, [], `seed ${seed}`)
    const facts = [...on.target.facts].sort()
    const note = `seed ${seed}: ${status} ${facts.join()} ${JSON.stringify(missing)}`
    if (status === 'completed') assert.deepEqual(facts, allFacts, note)
    if (status === 'rolled-back') assert.deepEqual(facts, [], note)
    if (status === 'completed-with-gaps' || status === 'failed') assert.ok(missing.length > 0, note)
    const needed = ['promote', 'route', 'choose']
    if (status === 'completed-with-gaps') assert.ok(!missing.some((gap) => needed.includes(gap.step)), note)
    if (facts.includes('promote'))
      assert.ok(!on.target.effects.some((effect) => effect.startsWith('unset')), note)
  }
  assert.ok(seen.size >= 4, JSON.stringify([...seen]))
})
