import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultEffect } from '../../src/simulation/fault.ts'
import { count, fault, live, longestGapMs } from './simulation-support.ts'

const phases = ['adoption', 'switchover'] as const

test('moves the primary, loses nothing, and the old one follows without a rewind', async () => {
  const lived = await live(1, { phases })
  const { servers } = lived.simulation.sim.cluster
  assert.notEqual(servers.find(({ mode }) => mode === 'primary')?.name, 'p1')
  assert.equal(count(lived, 'log:member-rejoined:unchanged'), 1)
  assert.equal(count(lived, 'soft-commits'), 0)
  assert.ok(longestGapMs(lived) < 3000)
})

const disturbances: readonly { readonly what: string; readonly effect: FaultEffect }[] = [
  { what: 'the zone that is to take over', effect: { kind: 'host-crash', place: 'az2' } },
  { what: 'the zone that is left', effect: { kind: 'host-crash', place: 'leader-zone' } },
  { what: 'the other standby', effect: { kind: 'partition', place: 'az3', from: 'everybody' } },
  { what: 'the control plane', effect: { kind: 'process-kill', process: 'control-plane', place: 'ctl' } },
  { what: 'the host of the control plane', effect: { kind: 'host-crash', place: 'ctl' } },
  { what: 'the executor', effect: { kind: 'process-kill', process: 'executor', place: 'ctl' } },
  { what: 'the agent of the gate', effect: { kind: 'process-kill', process: 'agent', place: 'client' } },
]

for (const { what, effect } of disturbances) {
  test(`ends in one primary and loses nothing when this fails in the middle: ${what}`, async () => {
    for (const atMs of [6, 18, 30, 45, 80, 160]) {
      await live(2, { phases, faults: [fault('switchover', atMs, 4000, effect)] })
    }
  })
}

test('cancelled at any moment, it rolls back or names the point of no return (T38)', async () => {
  let rolledBack = 0
  let beyond = 0
  for (let atMs = 3; atMs <= 90; atMs += 3) {
    const lived = await live(3, {
      phases,
      faults: [fault('switchover', atMs, 1, { kind: 'operator', command: 'cancel' })],
    })
    rolledBack += count(lived, 'run-finished:rolled-back')
    beyond += count(lived, 'run-finished:cancelled-after-point-of-no-return')
  }
  assert.ok(rolledBack > 0, 'no cancel came before the point of no return')
  assert.ok(beyond > 0, 'no cancel came after it')
})

test('paused and continued, it ends like any other', async () => {
  const faults = [
    fault('switchover', 20, 1, { kind: 'operator', command: 'pause' }),
    fault('switchover', 2500, 1, { kind: 'operator', command: 'continue' }),
  ]
  const lived = await live(4, { phases, faults })
  assert.ok(count(lived, 'command:paused:written') + count(lived, 'nothing-to-pause') > 0)
})

test('a lost reply of the control store, to the claim of leadership too, is no second effect', async () => {
  let claims = 0
  for (let atMs = 2; atMs <= 60; atMs += 1) {
    const effect: FaultEffect = { kind: 'reply-lost', method: 'store/transact', count: 1 + (atMs % 2) }
    const lived = await live(5, { phases, faults: [fault('switchover', atMs, 9000, effect)] })
    claims += count(lived, 'reply-lost:claim')
    assert.equal(lived.simulation.director.reading.leadingServer?.name, 'p2')
  }
  assert.ok(claims > 0, 'the reply to the claim was never lost')
})
