import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFiles } from '../../test/support/memory-files.ts'
import type { AgentContext } from '../actions/agent-context.ts'
import type { Action } from '../engine/action.ts'
import { ActionDesk } from './action-desk.ts'
import { AgentState } from './agent-state.ts'
import { EpochGuard } from './epoch-guard.ts'
import { Turns } from './turns.ts'
import type { ActionCall } from './wire.ts'

const scope = 'cluster:cmp_ledger'

/** Counts what is done and holds the first effect until it is released. */
async function desk() {
  const done: string[] = []
  const held = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const hold: Action<AgentContext> = {
    name: 'test.hold',
    version: 2,
    async observe() {
      return { satisfied: true, proof: {}, output: {} }
    },
    async apply(_, args, { epoch }) {
      if (args['waits'] === true) {
        begun.resolve()
        await held.promise
      }
      if (args['fails'] === true) throw new Error('the effect failed')
      done.push(`${epoch}`)
    },
  }
  const state = await AgentState.load(new MemoryFiles(), '/state')
  const guard = new EpochGuard(state)
  const options = {
    estate: 'est_simulated',
    actions: new Map([[hold.name, hold]]),
    context: {} as AgentContext,
  }
  return {
    desk: new ActionDesk({ ...options, guard, turns: new Turns() }),
    guard,
    done,
    begun: begun.promise,
    release: held.resolve,
  }
}

function call(epoch: number, changed: Partial<ActionCall> = {}): ActionCall {
  return {
    format: 'pointzero/agent-wire/1',
    estate: 'est_simulated',
    action: 'test.hold',
    actionVersion: 2,
    args: { component: 'cmp_ledger', member: 'mbr_ledger1' },
    authority: { run: 'run_1', step: 'one', attempt: 1, scope, epoch },
    ...changed,
  }
}

test('a request of another estate is refused before anything is done', async () => {
  const { desk: at, done } = await desk()
  const foreign = call(1, { estate: 'est_another' })
  await assert.rejects(at.apply(foreign), { code: 'ESTATE_MISMATCH', class: 'refused' })
  await assert.rejects(at.observe(foreign), { code: 'ESTATE_MISMATCH' })
  assert.deepEqual(done, [])
})

test('an unknown action, and an unknown version of a known one, are refused', async () => {
  const { desk: at } = await desk()
  for (const unknown of [{ action: 'test.other' }, { actionVersion: 1 }, { actionVersion: 3 }]) {
    await assert.rejects(at.apply(call(1, unknown)), { code: 'ACTION_UNSUPPORTED', class: 'refused' })
    await assert.rejects(at.observe(call(1, unknown)), { code: 'ACTION_UNSUPPORTED' })
  }
})

test('another version of the wire is refused', async () => {
  const { desk: at } = await desk()
  const future = call(1, { format: 'pointzero/agent-wire/2' as never })
  await assert.rejects(at.apply(future), { code: 'FORMAT_UNKNOWN' })
})

test('a stale epoch may look and may not act', async () => {
  const { desk: at, done, guard } = await desk()
  await guard.admit(scope, 5)
  assert.equal((await at.observe(call(4))).satisfied, true)
  await assert.rejects(at.apply(call(4)), { code: 'EPOCH_STALE', class: 'refused' })
  assert.deepEqual(done, [])
})

test('a request without an epoch may not act', async () => {
  const { desk: at, done } = await desk()
  await assert.rejects(at.apply(call(undefined as never)), { code: 'EPOCH_INVALID' })
  await assert.rejects(at.apply({ ...call(1), authority: undefined as never }), { class: 'refused' })
  assert.deepEqual(done, [])
})

test('an effect that became stale while it waited behind another one is refused', async () => {
  const { desk: at, done, guard, begun, release } = await desk()
  const first = at.apply(call(4, { args: { component: 'cmp_ledger', member: 'mbr_ledger1', waits: true } }))
  await begun
  const second = at.apply(call(4))
  const refused = assert.rejects(second, { code: 'EPOCH_STALE' })
  await guard.admit(scope, 5)
  release()
  await first
  await refused
  assert.deepEqual(done, ['4'])
})

test('effects on one target never overlap, effects on two do', async () => {
  const { desk: at, done, begun, release } = await desk()
  const first = at.apply(call(4, { args: { component: 'cmp_ledger', member: 'mbr_ledger1', waits: true } }))
  await begun
  const behind = at.apply(call(5))
  await at.apply(call(6, { args: { component: 'cmp_ledger', member: 'mbr_ledger2' } }))
  assert.deepEqual(done, ['6'])
  const refused = assert.rejects(behind, { code: 'EPOCH_STALE' })
  release()
  await Promise.all([first, refused])
})

test('an effect that fails does not hold up the next one', async () => {
  const { desk: at, done } = await desk()
  const failing = call(1, { args: { component: 'cmp_ledger', member: 'mbr_ledger1', fails: true } })
  await assert.rejects(at.apply(failing), /the effect failed/)
  await at.apply(call(1))
  assert.deepEqual(done, ['1'])
})

test('says what it can do, by action and version', async () => {
  const { desk: at } = await desk()
  assert.deepEqual(at.hello().capabilities, ['action:test.hold@2'])
  assert.equal(at.hello().estate, 'est_simulated')
})
