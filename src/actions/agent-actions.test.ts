import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryMember, primaryNaming, standbyOf, systemIdentifier } from '../../test/support/memory-member.ts'
import { MemoryRecovery } from '../../test/support/memory-recovery.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { effectOf } from '../engine/action.ts'
import type { ActionArgs, Authority, Observation } from '../engine/action.ts'
import { parseLsn } from '../domain/lsn.ts'
import type { KeptCopies, KeptSnapshot } from '../ports/kept-copies.ts'
import type { ComputeInstance } from '../ports/compute-instance.ts'
import type { MemberObservation } from '../ports/database-member.ts'
import type { GateDoor, GateRoute, GateSeen, TrafficGate } from '../ports/traffic-gate.ts'
import { agentActions } from './agent-actions.ts'
import type { AgentContext } from './agent-context.ts'

const authority: Authority = { run: 'run_1', step: 'one', attempt: 1, scope: 'cluster:cmp_ledger', epoch: 7 }
const args = { component: 'cmp_ledger', member: 'mbr_ledger1' }
const upstream = { member: 'mbr_ledger2', name: 'p2', address: '10.0.0.2', port: 5432 }

class MemoryGate implements TrafficGate {
  readonly name = 'db'
  held: GateRoute = { epoch: 0 }
  door: GateDoor = { shut: false, message: '' }
  inside = 0
  async observe(): Promise<GateSeen> {
    return this.door.shut ? { ...this.held, shut: true } : this.held
  }
  async setDoor(door: GateDoor): Promise<void> {
    this.door = door
  }
  async sessions(): Promise<number> {
    return this.inside
  }
  async endSessions(): Promise<void> {
    this.inside = 0
  }
  async route(route: GateRoute): Promise<void> {
    this.held = route
  }
}

class MemoryInstance implements ComputeInstance {
  readonly name = 'engine'
  seen = { running: false, ready: false }
  async observe(): Promise<{ readonly running: boolean; readonly ready: boolean }> {
    return this.seen
  }
  async start(): Promise<void> {
    this.seen = { running: true, ready: true }
  }
  async stop(): Promise<void> {
    this.seen = { running: false, ready: false }
  }
}

/** A host with one member, one gate and one instance. What is intended is written down among the effects, to show the order. */
function place(seen: Partial<MemberObservation>, time = new VirtualTime()) {
  const member = new MemoryMember('p1', seen)
  const gate = new MemoryGate()
  const instance = new MemoryInstance()
  const recovery = new MemoryRecovery()
  const lsn = parseLsn('0/3000028')
  const kept = { id: 's', sequence: 1, timeline: 1, startLsn: lsn, endLsn: lsn, systemIdentifier: '1' }
  const snapshot: KeptSnapshot = { ...kept, takenAtMs: 0, verified: [], restorations: [] }
  const copies = { snapshots: async () => [snapshot], view: () => ({}) } as unknown as KeptCopies
  const context: AgentContext = {
    world: time.world(),
    member: () => member,
    recovery: () => recovery,
    gate: () => gate,
    instance: () => instance,
    setDoor: async (_, door) => gate.setDoor(door),
    intend: async (_, intent, epoch) => void member.effects.push(`intend ${intent} ${epoch}`),
    intentOf: () => 'none',
    copies: () => copies,
    backups: { begun: async () => undefined, begin: async () => undefined },
    recoverySource: async (component) => Promise.reject(new Error(`nothing is kept of ${component}`)),
    recoveryKey: async (component) => Promise.reject(new Error(`no key of ${component}`)),
  }
  const actionNamed = (name: string) => {
    const action = agentActions.get(name)
    assert.ok(action, name)
    return action
  }
  const observe = async (name: string, extra: ActionArgs = {}): Promise<Observation> =>
    actionNamed(name).observe(context, { ...args, ...extra }, authority)
  const apply = async (name: string, extra: ActionArgs = {}): Promise<void> =>
    effectOf(actionNamed(name)).apply(context, { ...args, ...extra }, authority)
  return { member, gate, instance, observe, apply }
}

interface Case {
  readonly action: string
  readonly promise: string
  readonly seen: Partial<MemberObservation>
  readonly args?: ActionArgs
  readonly effects: readonly string[]
  readonly output: ActionArgs
}

const cases: readonly Case[] = [
  {
    action: 'postgres.detach',
    promise: 'a detached standby has no upstream and no receiver, and says what it holds',
    seen: {},
    effects: ['detach'],
    output: { timeline: 1, receivedLsn: '0/3000000', replayedLsn: '0/3000000' },
  },
  {
    action: 'postgres.fence',
    promise: 'a fenced primary is stopped, and is meant to stay so before it is',
    seen: primaryNaming('p2'),
    effects: ['intend fenced 7', 'stop-immediate'],
    output: {},
  },
  {
    action: 'postgres.stop-clean',
    promise: 'a demoted primary says where its WAL ended',
    seen: primaryNaming('p2'),
    effects: ['intend none 7', 'stop-clean'],
    output: { shutdownLsn: '0/5000000', timeline: 1 },
  },
  {
    action: 'postgres.set-sync',
    promise: 'a standby that is to be promoted carries its rule already',
    seen: standbyOf(''),
    args: { names: ['p3', 'p2'], count: 1 },
    effects: ['set-synchronous 1 (p3, p2)'],
    output: {},
  },
  {
    action: 'postgres.promote',
    promise: 'a promoted standby is meant to be a primary before it is one, and says its timeline',
    seen: standbyOf(''),
    effects: ['intend primary 7', 'promote'],
    output: { timeline: 2, flushLsn: '0/0' },
  },
  {
    action: 'postgres.reopen',
    promise: 'a demotion that is undone starts as a standby without an upstream',
    seen: { ...primaryNaming('p2'), role: 'stopped' },
    effects: ['intend primary 7', 'start-as-standby', 'detach', 'promote'],
    output: {},
  },
  {
    action: 'postgres.follow',
    promise: 'a follower streams from its upstream',
    seen: standbyOf(''),
    args: { upstream },
    effects: ['intend standby 7', 'follow p2'],
    output: {},
  },
  {
    action: 'postgres.rejoin',
    promise: 'a member that rejoins is stopped and meant to stay so until its directory is whole again',
    seen: primaryNaming('p2'),
    args: { upstream },
    effects: [
      'intend fenced 7',
      'stop-immediate',
      'rejoin',
      'follow p2',
      'intend standby 7',
      'start-as-standby',
    ],
    output: { timeline: 1 },
  },
  {
    action: 'postgres.checkpoint',
    promise: 'a checkpoint is done when pg_control shows the running timeline',
    seen: { ...primaryNaming('p2'), timeline: 2, checkpointTimeline: 1 },
    effects: ['checkpoint'],
    output: {},
  },
  {
    action: 'postgres.refuse-writes',
    promise: 'a primary says itself that it refuses',
    seen: primaryNaming('p2'),
    effects: ['refuse-writes'],
    output: {},
  },
  {
    action: 'postgres.accept-writes',
    promise: 'a primary says itself that it refuses no more',
    seen: { ...primaryNaming('p2'), refusesWrites: true },
    effects: ['accept-writes'],
    output: {},
  },
  {
    action: 'postgres.start',
    promise: 'a started member says which database system it holds',
    seen: { role: 'stopped', systemIdentifier },
    effects: ['start-as-standby'],
    output: { systemIdentifier },
  },
]

for (const { action, promise, seen, args: extra = {}, effects, output } of cases) {
  test(`${action}: ${promise}`, async () => {
    const { member, observe, apply } = place(seen)
    assert.equal((await observe(action, extra)).satisfied, false)
    assert.deepEqual(member.effects, [], 'looking changes nothing')
    await apply(action, extra)
    assert.deepEqual(member.effects, effects)
    const after = await observe(action, extra)
    assert.ok(after.satisfied)
    assert.deepEqual(after.output, output)
    await apply(action, extra)
    assert.equal((await observe(action, extra)).satisfied, true, 'applying again is harmless')
  })
}

test('postgres.detach: one of the two signs alone is not enough', async () => {
  for (const seen of [
    { upstream: '' },
    { receiving: false },
    { upstream: '', receiving: false, role: 'stopped' },
  ] as const)
    assert.equal((await place(seen).observe('postgres.detach')).satisfied, false)
})

test('postgres.stop-clean: a primary that crashed did not end cleanly, whatever is stopped about it', async () => {
  assert.equal((await place({ role: 'stopped' }).observe('postgres.stop-clean')).satisfied, false)
})

test('postgres.accept-writes: a server that does not run refuses nothing, one that does not answer may', async () => {
  const observed = async (role: MemberObservation['role']) =>
    (await place({ role }).observe('postgres.accept-writes')).satisfied
  assert.equal(await observed('stopped'), true)
  assert.equal(await observed('unknown'), false)
  assert.equal(await observed('starting'), false)
})

test('postgres.set-sync: another name, another number and a rule too many are seen', async () => {
  const { observe } = place(primaryNaming('p2', 'p3'))
  const seen = async (names: readonly string[], count: number) =>
    (await observe('postgres.set-sync', { names, count })).satisfied
  assert.equal(await seen(['p3', 'p2'], 1), true)
  assert.equal(await seen(['p2'], 1), false)
  assert.equal(await seen(['p2', 'p4'], 1), false)
  assert.equal(await seen(['p2', 'p3'], 2), false)
  assert.equal(await seen([], 0), false)
  assert.equal(
    (await place(primaryNaming()).observe('postgres.set-sync', { names: [], count: 0 })).satisfied,
    true,
  )
})

test('postgres.follow: the new primary itself has nothing to follow', async () => {
  const { member, observe } = place(primaryNaming('p2'))
  const itself = { ...upstream, member: 'mbr_ledger1' }
  assert.equal((await observe('postgres.follow', { upstream: itself })).satisfied, true)
  assert.deepEqual(member.effects, [])
})

test('postgres.follow and postgres.rejoin: a receiver that retries in vain does not stream', async () => {
  const retrying = { ...standbyOf('10.0.0.2:5432'), receiving: true, streaming: false }
  for (const action of ['postgres.follow', 'postgres.rejoin'])
    assert.equal((await place(retrying).observe(action, { upstream })).satisfied, false)
})

test('postgres.acknowledge: only a primary is asked, and only an acknowledged row is proof', async () => {
  const standby = place({})
  assert.equal((await standby.observe('postgres.acknowledge', { timeoutMs: 100 })).satisfied, false)
  assert.deepEqual(standby.member.effects, [])
  const primary = place(primaryNaming('p2'))
  primary.member.acknowledges = false
  await assert.rejects(primary.observe('postgres.acknowledge', { timeoutMs: 100 }), {
    class: 'unknown-outcome',
  })
  primary.member.acknowledges = true
  const seen = await primary.observe('postgres.acknowledge', { timeoutMs: 100 })
  assert.ok(seen.satisfied)
  assert.deepEqual(seen.output, { counter: 1 })
})

test('postgres.start: a member that does not say what it holds is not started, as far as adoption is concerned', async () => {
  const { systemIdentifier: _, ...nameless } = standbyOf('')
  const { observe, member } = place({})
  member.seen = nameless
  assert.equal((await observe('postgres.start')).satisfied, false)
})

test('gate.route: leads to the target under the epoch, or nowhere', async () => {
  const { gate, observe, apply } = place({})
  const target = { address: '10.0.0.2', port: 5432 }
  assert.equal((await observe('gate.route', { target })).satisfied, false)
  await apply('gate.route', { target })
  assert.deepEqual(gate.held, { target, epoch: 7 })
  assert.equal((await observe('gate.route', { target })).satisfied, true)
  assert.equal((await observe('gate.route', { target: null })).satisfied, false)
  await apply('gate.route', { target: null })
  assert.deepEqual(gate.held, { epoch: 7 })
  assert.equal((await observe('gate.route', { target: null })).satisfied, true)
})

test('gate.route: a target that is missing or malformed is refused, never taken for nowhere (D24)', async () => {
  const { gate, apply, observe } = place({})
  gate.held = { target: { address: '10.0.0.1', port: 5432 }, epoch: 3 }
  for (const extra of [
    {},
    { target: '' },
    { target: [] },
    { target: { address: '10.0.0.2' } },
  ] as ActionArgs[]) {
    await assert.rejects(apply('gate.route', extra), { code: 'ACTION_ARGUMENT' })
    await assert.rejects(observe('gate.route', extra), { code: 'ACTION_ARGUMENT' })
  }
  assert.equal(gate.held.epoch, 3)
})

test('compute.start is done when the instance is ready, compute.stop when nothing of it runs', async () => {
  const { instance, observe, apply } = place({})
  instance.seen = { running: true, ready: false }
  assert.equal((await observe('compute.start')).satisfied, false)
  await apply('compute.start')
  assert.equal((await observe('compute.start')).satisfied, true)
  assert.equal((await observe('compute.stop')).satisfied, false)
  await apply('compute.stop')
  assert.equal((await observe('compute.stop')).satisfied, true)
})

test('an argument that is missing stops an action before it does anything', async () => {
  for (const [name, action] of agentActions) {
    const { member } = place(primaryNaming('p2'))
    const context = { member: () => member } as unknown as AgentContext
    await assert.rejects(
      action.observe(context, {}, authority),
      { code: 'ACTION_ARGUMENT', class: 'permanent' },
      name,
    )
    assert.deepEqual(member.effects, [], name)
  }
})

test('an action whose look writes says so, so that a superseded executor does not have it', async () => {
  const goal = { snapshot: 's', timeline: 1, lsn: '0/0', inclusive: false, reached: '0/0' }
  const wanted = { target: 'end', snapshot: 'newest' }
  const copy = { copyOf: 'mbr_ledger1', goal, wanted, invariants: [], snapshot: 's' }
  const more: ActionArgs = {
    names: [],
    count: 0,
    timeoutMs: 1_000,
    upstream,
    target: null,
    epoch: 7,
    label: 'p1',
    mayHoldData: true,
    holdsAll: false,
    ...copy,
  }
  for (const { name, observeWrites = false } of agentActions.values()) {
    for (const seen of [primaryNaming('p2'), standbyOf('10.0.0.2:5432')]) {
      const { member, observe } = place(seen)
      await observe(name, more)
      assert.ok(observeWrites || member.effects.length === 0, `${name}: ${member.effects.join(', ')}`)
    }
  }
  const writing = [...agentActions.values()].filter(({ observeWrites }) => observeWrites === true)
  assert.deepEqual(
    writing.map(({ name }) => name),
    ['postgres.acknowledge', 'postgres.reopen'],
  )
})

test('a closed gate lets those inside finish within its time, then ends them, and leads where it led', async () => {
  const time = new VirtualTime()
  const { gate, observe, apply } = place({}, time)
  gate.held = { target: { address: '10.0.0.1', port: 1 }, epoch: 3 }
  gate.inside = 2
  const closing = { message: 'Closed.', drainMs: 5_000 }
  const closed = apply('gate.close', closing)
  await time.pass(4_000)
  assert.deepEqual([gate.door.shut, gate.inside], [true, 2])
  assert.equal((await observe('gate.close', closing)).satisfied, false)
  await time.pass(2_000)
  await closed
  assert.equal(gate.inside, 0)
  assert.equal((await observe('gate.close', closing)).satisfied, true)
  assert.deepEqual(gate.held.target, { address: '10.0.0.1', port: 1 })
  await apply('gate.open')
  assert.equal((await observe('gate.open')).satisfied, true)
  assert.equal(gate.door.shut, false)
})
