import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecoveryError } from '../domain/recovery-error.ts'
import type { ControlStore } from '../ports/control-store.ts'
import {
  run,
  keys,
  factOf,
  lost,
  failure,
  journalOf,
  step,
  planOf,
  failover,
  bed,
  execute,
  never,
  eventsOf,
  allFacts,
  assertCompleted,
} from '../../test/support/executor-bed.ts'
import { continueRun, pauseRun } from './operator-events.ts'
import type { Performer, StepRequest } from './performer.ts'
import type { RunEvent } from './run-event.ts'

test('executes a plan in its order, each effect once', async () => {
  const on = await bed(failover)
  assert.deepEqual(await execute(on), { status: 'completed', missing: [] })
  await assertCompleted(on)
  assert.deepEqual(on.target.effects.slice(2, 3), ['set promote'])
})

test('steps that become runnable together share one transaction for their intents', async () => {
  const on = await bed(failover)
  await execute(on)
  const entries = await on.store.list(keys.run(run))
  const revisionOf = (id: string): number | undefined =>
    entries.find(({ value }) => value.includes(`"step":"${id}"`) && value.includes('"type":"intent"'))
      ?.revision
  assert.equal(revisionOf('detach-a'), revisionOf('detach-b'))
})

test('what is so already is recorded with its proof and not done again', async () => {
  const on = await bed(failover)
  on.target.facts.add('detach-a')
  await execute(on)
  const [outcome] = eventsOf(await journalOf(on.store), 'outcome') as (RunEvent & { type: 'outcome' })[]
  assert.deepEqual(
    [outcome?.step, outcome?.result, outcome?.proof],
    ['detach-a', 'satisfied', { fact: 'detach-a' }],
  )
  assert.ok(!on.target.effects.includes('set detach-a'))
})

test('a refused step finishes the run as refused, with nothing left behind', async () => {
  const on = await bed(planOf(step('fence', []), step('gate', ['fence'])))
  on.target.fault = async (request) => {
    if (request.args['fact'] === 'gate') throw failure('refused')
    return 'go-on'
  }
  const { status, missing } = await execute(on)
  assert.deepEqual(
    [status, missing, [...on.target.facts]],
    ['refused', [{ step: 'gate', reason: 'TEST: a refused failure' }], []],
  )
})

test('a transient failure is tried again within the policy of the step, and not beyond it', async () => {
  for (const [failures, status] of [
    [2, 'completed'],
    [3, 'rolled-back'],
  ] as const) {
    const on = await bed(planOf(step('fence', [])))
    let left: number = failures
    on.target.fault = async (request, phase) => {
      if (phase === 'apply' && request.action === 'set' && (left -= 1) >= 0) throw failure('transient')
      return 'go-on'
    }
    assert.equal((await execute(on)).status, status)
  }
})

test('after an unknown outcome it looks before it does anything again', async () => {
  const on = await bed(planOf(step('promote', [], { effect: 'point-of-no-return' })))
  on.target.fault = async (_, phase) => (phase === 'apply' ? 'lose-reply' : 'go-on')
  assert.equal((await execute(on)).status, 'completed')
  assert.equal(eventsOf(await journalOf(on.store), 'intent').length, 1)
})

test('after the point of no return a failure does not roll back: it goes on, names what is missing, and can be resumed', async () => {
  const on = await bed(failover)
  on.target.fault = async (request) => {
    if (request.args['fact'] === 'route') throw failure('permanent')
    return 'go-on'
  }
  const result = await execute(on)
  assert.equal(result.status, 'failed')
  assert.deepEqual(result.missing, [{ step: 'route', reason: 'TEST: a permanent failure' }])
  assert.ok(
    on.target.facts.has('promote') && on.target.facts.has('follow') && on.target.facts.has('detach-a'),
  )
  on.target.fault = async () => 'go-on'
  assert.deepEqual(await execute(on), { status: 'completed', missing: [] })
  assert.deepEqual([...on.target.facts].sort(), allFacts)
})

test('a finished run is not executed again', async () => {
  const on = await bed(failover)
  await execute(on)
  await assert.rejects(execute(on), { code: 'RUN_FINISHED' })
})

test('a step that others need only a quorum of may fail; it is named as missing', async () => {
  const on = await bed(failover)
  on.target.fault = async (request) => {
    if (request.args['fact'] === 'detach-b') throw failure('permanent')
    return 'go-on'
  }
  const { status, missing } = await execute(on)
  assert.equal(status, 'completed-with-gaps')
  assert.deepEqual(
    missing.map((gap) => gap.step),
    ['detach-b', 'follow'],
  )
})

test('a quorum that can not be reached any more rolls back', async () => {
  const on = await bed(failover)
  on.target.fault = async (request, phase) => {
    if (phase === 'apply' && request.action === 'set' && factOf(request).startsWith('detach'))
      throw failure('permanent')
    return 'go-on'
  }
  assert.equal((await execute(on)).status, 'rolled-back')
  assert.deepEqual([...on.target.facts], [])
})

test('a quorum does not wait for the slow rest', async () => {
  const on = await bed(failover)
  on.target.fault = async (request) => {
    if (request.args['fact'] === 'detach-b') await on.clock.sleep(900)
    return 'go-on'
  }
  await execute(on)
  assert.ok(on.target.effects.indexOf('set promote') < on.target.effects.indexOf('set detach-b'))
})

test('a paused run starts nothing until it is continued', async () => {
  const on = await bed(failover)
  const place = { clock: on.clock, store: on.store, keys, run, writer: 'prn_operator' }
  await pauseRun(place)
  const work = execute(on)
  for (let n = 0; n < 50; n += 1) await new Promise(setImmediate)
  assert.deepEqual(on.target.effects, [])
  await continueRun(place)
  assert.equal((await work).status, 'completed')
})

test('no effect is sent before its intent is durable, however slow the store is', async () => {
  const on = await bed(failover)
  const slow: ControlStore = {
    get: (key) => on.store.get(key),
    list: (prefix) => on.store.list(prefix),
    changes: (prefix, revision, timeoutMs) => on.store.changes(prefix, revision, timeoutMs),
    transact: async (transaction) => {
      await on.clock.sleep(40)
      const result = await on.store.transact(transaction)
      await on.clock.sleep(40)
      return result
    },
  }
  assert.equal((await execute(on, { store: slow })).status, 'completed')
  await assertCompleted(on)
})

test('an executor whose epoch was raised by anybody starts nothing more', async () => {
  const on = await bed(failover)
  on.target.fault = async (request) => {
    if (factOf(request) === 'detach-a') {
      const value = '{"epoch":9,"executor":"another","run":"run_another"}'
      await on.store.transact({ compare: [], put: [{ key: keys.epoch('estate'), value }] })
    }
    return 'go-on'
  }
  await assert.rejects(execute(on), { code: 'RUN_SUPERSEDED' })
  assert.deepEqual(on.target.effects, [])
})

test('a second executor takes over; the first can neither write nor act any more', async () => {
  const on = await bed(failover)
  on.target.applyMs = 200
  const first = execute(on, { seed: 1 })
  const firstEnd = first.then(
    () => 'finished',
    (error: unknown) => (error as RecoveryError).code,
  )
  while ((await journalOf(on.store)).length < 4) await new Promise(setImmediate)
  assert.equal((await execute(on, { seed: 2 })).status, 'completed')
  assert.equal(await firstEnd, 'RUN_SUPERSEDED')
  assert.equal(on.target.effects.filter((effect) => effect === 'set promote').length, 1)
})

test('an effect that arrives after its compensation is refused by its target', async () => {
  const on = await bed(planOf(step('fence', [], { retry: { attempts: 1, waitMs: 0 } })))
  let late: StepRequest | undefined
  const performer: Performer = {
    ...on.target.performer(),
    apply: async (request) => {
      if (request.action === 'unset') return await on.target.performer().apply(request)
      late = request
      throw lost('apply')
    },
  }
  // The undoing has to be seen: the fact is true for a moment, as if half done.
  on.target.facts.add('other')
  const result = await execute(on, { performer })
  assert.equal(result.status, 'rolled-back')
  assert.ok(late !== undefined)
  assert.throws(() => on.target.deliver(late as StepRequest), { code: 'EPOCH_STALE' })
  assert.ok(!on.target.facts.has('fence'))
})

test('a bug crashes the executor; the journal survives and the run is finished by the next one', async () => {
  const on = await bed(failover)
  on.target.fault = async (request) => {
    if (request.args['fact'] === 'promote') throw new TypeError('x is not a function')
    return 'go-on'
  }
  await assert.rejects(execute(on), TypeError)
  on.target.fault = async () => 'go-on'
  assert.equal((await execute(on)).status, 'completed')
  await assertCompleted(on)
})

test('stopping it leaves a journal that another executor goes on with', async () => {
  const on = await bed(failover)
  const stop = new AbortController()
  on.target.fault = async (request) => {
    if (request.args['fact'] === 'promote') stop.abort(new Error('shutting down'))
    return 'go-on'
  }
  await assert.rejects(execute(on, { signal: stop.signal }), { code: 'RUN_INTERRUPTED' })
  assert.equal((await execute(on)).status, 'completed')
  await assertCompleted(on)
})

test('a performer that hangs is given up after the time-out of the step', async () => {
  const on = await bed(planOf(step('fence', [], { retry: { attempts: 2, waitMs: 1 } })))
  on.target.fault = async (_, phase) => (phase === 'observe' ? await never() : 'go-on')
  const { status, missing } = await execute(on)
  assert.equal(status, 'rolled-back')
  assert.match(missing[0]?.reason ?? '', /STEP_TIMEOUT/)
})
