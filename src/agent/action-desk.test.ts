import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFiles } from '../../test/support/memory-files.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import type { AgentContext } from '../actions/agent-context.ts'
import type { Action, Effect, Look } from '../engine/action.ts'
import { ActionDesk } from './action-desk.ts'
import { AgentState } from './agent-state.ts'
import { EpochGuard } from './epoch-guard.ts'
import { Tickets } from './tickets.ts'
import { Turns } from '../domain/turns.ts'
import type { ActionCall } from './wire.ts'

const scope = 'cluster:cmp_ledger'
const target = { component: 'cmp_ledger', member: 'mbr_ledger1' }

/** Counts what is done and holds the first effect until it is released. Nothing is seen to be done unless `sees.done`. */
async function desk() {
  const done: string[] = []
  const sees = { done: false, meanwhile: async () => {} }
  const held = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const hold: Effect<AgentContext> = {
    name: 'test.hold',
    version: 2,
    async observe() {
      await sees.meanwhile()
      return sees.done ? { satisfied: true, proof: {}, output: {} } : { satisfied: false, seen: {} }
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
  const files = new MemoryFiles()
  const guard = new EpochGuard(await AgentState.load(files, '/state'))
  const storedEpoch = async () => (await AgentState.load(files, '/state')).epochOf(scope)
  const time = new VirtualTime()
  const world = time.world()
  const choose: Look<AgentContext> = {
    name: 'test.choose',
    version: 2,
    observe: async (...asked) => hold.observe(...asked),
  }
  const write: Look<AgentContext> = { ...choose, name: 'test.write', observeWrites: true }
  const options = {
    estate: 'est_simulated',
    clock: world.clock,
    actions: new Map([hold, choose, write].map((action: Action<AgentContext>) => [action.name, action])),
    context: {} as AgentContext,
  }
  const started = () => new ActionDesk({ ...options, guard, turns: new Turns(), tickets: new Tickets(world) })
  const at = started()
  /** As an executor does: look, then quote the ticket. */
  const perform = async (wanted: ActionCall): Promise<void> => at.apply(await ticketed(at, wanted))
  return {
    desk: at,
    time,
    restarted: started,
    perform,
    guard,
    storedEpoch,
    files,
    done,
    sees,
    begun: begun.promise,
    release: held.resolve,
  }
}

async function ticketed(at: ActionDesk, wanted: ActionCall): Promise<ActionCall> {
  const seen = await at.observe(wanted)
  assert.ok(!seen.satisfied && seen.ticket !== undefined, 'a ticket was given')
  return { ...wanted, ticket: seen.ticket }
}

function stepCall(step: string, attempt = 1, epoch = 4): ActionCall {
  return call(epoch, { authority: { run: 'run_1', step, attempt, scope, epoch } })
}

function call(epoch: number, changed: Partial<ActionCall> = {}): ActionCall {
  return {
    format: 'pointzero/agent-wire/1',
    estate: 'est_simulated',
    action: 'test.hold',
    actionVersion: 2,
    args: target,
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

test('the effect of an action that only looks is refused', async () => {
  const { desk: at, done } = await desk()
  const refused = { code: 'ACTION_ONLY_LOOKS', class: 'refused' }
  await assert.rejects(at.apply(call(1, { action: 'test.choose' })), refused)
  assert.deepEqual(done, [])
})

test('another version of the wire is refused', async () => {
  const { desk: at } = await desk()
  const future = call(1, { format: 'pointzero/agent-wire/2' as never })
  await assert.rejects(at.apply(future), { code: 'FORMAT_UNKNOWN' })
})

test('a stale epoch may look and may not act', async () => {
  const { desk: at, done, guard } = await desk()
  await guard.admit(scope, 5)
  const seen = await at.observe(call(4))
  assert.deepEqual(seen, { satisfied: false, seen: {} })
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
  const { perform, done, guard, begun, release } = await desk()
  const first = perform(call(4, { args: { component: 'cmp_ledger', member: 'mbr_ledger1', waits: true } }))
  await begun
  const second = perform(stepCall('two'))
  const refused = assert.rejects(second, { code: 'EPOCH_STALE' })
  await guard.admit(scope, 5)
  release()
  await first
  await refused
  assert.deepEqual(done, ['4'])
})

test('effects on one target never overlap, effects on two do', async () => {
  const { perform, done, begun, release } = await desk()
  const first = perform(call(4, { args: { component: 'cmp_ledger', member: 'mbr_ledger1', waits: true } }))
  await begun
  const behind = perform(stepCall('two'))
  await perform(call(5, { args: { component: 'cmp_ledger', member: 'mbr_ledger2' } }))
  assert.deepEqual(done, ['5'])
  const refused = assert.rejects(behind, { code: 'EPOCH_STALE' })
  release()
  await Promise.all([first, refused])
  assert.deepEqual(done, ['5', '4'])
})

test('an effect that fails does not hold up the next one', async () => {
  const { perform, done } = await desk()
  const failing = call(1, { args: { component: 'cmp_ledger', member: 'mbr_ledger1', fails: true } })
  await assert.rejects(perform(failing), /the effect failed/)
  await perform(call(1))
  assert.deepEqual(done, ['1'])
})

test('says what it can do, by action and version', async () => {
  const { desk: at } = await desk()
  assert.deepEqual(at.hello().capabilities, [
    'action:test.choose@2',
    'action:test.hold@2',
    'action:test.write@2',
  ])
  assert.equal(at.hello().estate, 'est_simulated')
})

const stale = { code: 'TICKET_STALE', class: 'transient' }

test('an effect without a look before it is refused, so that the executor looks', async () => {
  const { desk: at, done } = await desk()
  await assert.rejects(at.apply(call(1)), stale)
  await assert.rejects(at.apply({ ...call(1), ticket: 'x' }), stale)
  assert.deepEqual(done, [])
})

test('a request that the network delivers twice has one effect', async () => {
  const { desk: at, done } = await desk()
  const request = await ticketed(at, call(1))
  await Promise.allSettled([at.apply(request), at.apply(request)])
  await assert.rejects(at.apply(request), stale)
  assert.deepEqual(done, ['1'])
})

test('a request of an earlier step, delivered after a later one had its effect, is refused', async () => {
  const { desk: at, perform, done } = await desk()
  const detach = await ticketed(at, stepCall('detach'))
  await perform(stepCall('detach', 2))
  await perform(stepCall('follow'))
  assert.equal(done.length, 2)
  await assert.rejects(at.apply(detach), stale)
  assert.equal(done.length, 2)
})

test('a request is refused too when a later step was found to be done already', async () => {
  const { desk: at, sees } = await desk()
  const detach = await ticketed(at, stepCall('detach'))
  sees.done = true
  await at.observe(stepCall('follow'))
  await assert.rejects(at.apply(detach), stale)
})

test('what a superseded executor sees takes no ticket from the one that acts', async () => {
  const { desk: at, sees, done } = await desk()
  const follow = await ticketed(at, stepCall('follow', 1, 5))
  sees.done = true
  await at.observe(stepCall('detach', 1, 4))
  await at.apply(follow)
  assert.deepEqual(done, ['5'])
})

test('a look during which something happened to the target is worth no effect', async () => {
  const { desk: at, perform, sees } = await desk()
  sees.meanwhile = async () => {
    sees.meanwhile = async () => {}
    await perform(stepCall('one'))
  }
  assert.deepEqual(await at.observe(stepCall('two')), { satisfied: false, seen: {} })
})

test('an effect that waited behind another one of its target is decided anew', async () => {
  const { desk: at, perform, done, begun, release } = await desk()
  const first = perform(call(4, { args: { component: 'cmp_ledger', member: 'mbr_ledger1', waits: true } }))
  await begun
  const second = await ticketed(at, stepCall('one', 2))
  const refused = assert.rejects(at.apply(second), stale)
  release()
  await Promise.all([first, refused])
  assert.deepEqual(done, ['4'])
})

test('after a restart of the agent everybody looks again', async () => {
  const { desk: at, restarted } = await desk()
  const request = await ticketed(at, call(1))
  await assert.rejects(restarted().apply(request), stale)
})

test('what is only looked at gives no tickets and takes none', async () => {
  const { desk: at, sees, done } = await desk()
  const one = await ticketed(at, stepCall('one'))
  const choose = { ...stepCall('choose'), action: 'test.choose' }
  assert.deepEqual(await at.observe(choose), { satisfied: false, seen: {} })
  sees.done = true
  await at.observe(choose)
  await at.apply(one)
  assert.equal(done.length, 1)
})

test('a look makes the epoch durable before anything is seen: whoever comes with a lower one has no effect', async () => {
  const { desk: at, perform, sees, storedEpoch, done } = await desk()
  let atLook = 0
  sees.meanwhile = async () => void (atLook = await storedEpoch())
  await at.observe(stepCall('follow', 1, 5))
  assert.equal(atLook, 5)
  await assert.rejects(at.apply({ ...stepCall('detach', 1, 4), ticket: 'x' }), { code: 'EPOCH_STALE' })
  await perform(stepCall('follow', 1, 5))
  assert.deepEqual(done, ['5'])
})

test('an epoch that can not be stored is no reason to see: the look fails', async () => {
  const { desk: at, files } = await desk()
  files.fails = true
  await assert.rejects(at.observe(call(5)))
})

test('a look without an epoch, or with one that is none, is refused', async () => {
  const { desk: at } = await desk()
  for (const epoch of [undefined, 0, 1.5, '7', 2 ** 60])
    await assert.rejects(at.observe(call(epoch as never)), { code: 'EPOCH_INVALID' })
  await assert.rejects(at.observe({ ...call(1), authority: undefined as never }), { code: 'EPOCH_INVALID' })
})

test('a look that writes is an effect: a superseded executor may not have it', async () => {
  const { desk: at, sees, done } = await desk()
  sees.meanwhile = async () => void done.push('written')
  const write = (epoch: number) => ({ ...stepCall('acknowledge', 1, epoch), action: 'test.write' })
  await at.observe(write(5))
  await assert.rejects(at.observe(write(4)), { code: 'EPOCH_STALE', class: 'refused' })
  assert.deepEqual(done, ['written'])
})

test('an effect that does not end is shown after ten seconds, and so is what waits for it; one that ended is not', async () => {
  const { desk: at, perform, time, begun, release } = await desk()
  assert.deepEqual(at.longUnderWay(), [])
  const authority = { run: 'run_1', step: 'first', attempt: 1, scope, epoch: 4 }
  const holding = perform(call(4, { args: { ...target, waits: true }, authority }))
  await begun
  await time.pass(4_000)
  const waiting = perform(call(4, { authority: { ...authority, step: 'second' } }))
  await time.pass(5_900)
  assert.deepEqual(at.longUnderWay(), [])
  await time.pass(5_000)
  assert.deepEqual(
    at.longUnderWay().map(({ step, waits, forMs }) => [step, waits === true, Math.round(forMs / 1_000)]),
    [
      ['first', false, 15],
      ['second', true, 11],
    ],
  )
  assert.deepEqual(Object.keys(at.longUnderWay()[0] ?? {}).sort(), ['action', 'forMs', 'run', 'step'])
  release()
  await holding
  await waiting.catch(() => undefined)
  assert.deepEqual(at.longUnderWay(), [])
})
