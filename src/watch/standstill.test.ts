import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf, step } from '../../test/support/executor-bed.ts'
import type { RunEvent } from '../engine/run-event.ts'
import { evolve } from '../engine/run-state.ts'
import type { RunState } from '../engine/run-state.ts'
import { decideStandstill } from './standstill.ts'

/** Two steps at once, then the one after which nothing is undone. */
function runOf(procedure: string, events: readonly RunEvent[] = [], parameters = {}): RunState {
  const steps = [
    step('quick', [], { timeoutMs: 20_000 }),
    step('slow', [], { timeoutMs: 60_000 }),
    step('claim', ['quick', 'slow'], { effect: 'point-of-no-return' }),
  ]
  const plan = { ...planOf(...steps), procedure, parameters }
  const opened = { type: 'opened', plan, planHash: '', requestedBy: 'prn_a', approvals: [] } as const
  const first: readonly RunEvent[] = [
    opened,
    { type: 'took-over', executor: 'prn_a/x', scope: 'cluster:c', epoch: 1 },
  ]
  let state: RunState | undefined
  for (const event of [...first, ...events]) state = evolve(state, event)
  return state as RunState
}

const cancelled: RunEvent = { type: 'cancel-requested', by: 'prn_b' }
const claimed: RunEvent = { type: 'intent', step: 'claim', attempt: 1, kind: 'apply', on: 'az1', args: {} }
const done = (id: string): RunEvent => ({
  ...{ type: 'outcome', step: id, attempt: 1, result: 'done', elapsedMs: 1 },
})
const after = (seconds: number, state: RunState, isLeaderDown = true) =>
  decideStandstill({ state, leader: 'ledger1', isLeaderDown, quietMs: seconds * 1_000 })

test('one that brings back a standby of the leader that is down is cancelled and taken over', () => {
  const state = runOf('reprotect', [], { member: 'ledger3' })
  assert.deepEqual(after(4, state), { takeOver: false, reason: 'it may end by itself' })
  const found = after(5, state)
  assert.deepEqual(found, {
    ...{ takeOver: true, cancel: true, reason: 'ledger1, which its standby would follow, is down' },
  })
  const rolling = after(5, runOf('reprotect', [cancelled], { member: 'ledger3' }))
  assert.equal(rolling.takeOver && rolling.cancel, false, 'what is cancelled is not cancelled again')
  assert.ok(rolling.takeOver)
  assert.equal(
    after(5, state, false).takeOver,
    false,
    'a leader that is not known to be down may be followed',
  )
})

test('one that opens the leader itself may be in its crash recovery: only a dead executor loses it, and it is gone on with', () => {
  const state = runOf('reprotect', [], { member: 'ledger1' })
  assert.equal(after(89, state).takeOver, false)
  const found = after(91, state)
  assert.deepEqual([found.takeOver, found.takeOver && found.cancel], [true, false])
})

test('an executor is believed to be alive as long as the steps may take that can be under way', () => {
  const both = runOf('zone-failover')
  assert.equal(after(89, both).takeOver, false)
  assert.equal(after(90, both).takeOver, true)
  const quick = runOf('zone-failover', [done('slow')])
  assert.equal(after(49, quick).takeOver, false)
  assert.equal(after(50, quick).takeOver, true)
})

test('a switchover or a changed rule whose executor is gone is undone, unless it passed its point of no return', () => {
  for (const procedure of ['switchover', 'synchronous-capture']) {
    const before = after(90, runOf(procedure))
    assert.deepEqual([before.takeOver, before.takeOver && before.cancel], [true, true], procedure)
  }
  const beyond = after(90, runOf('switchover', [done('quick'), done('slow'), claimed]))
  assert.deepEqual([beyond.takeOver, beyond.takeOver && beyond.cancel], [true, false])
})

test('what somebody paused, and a recovery from copies, is left to people however long it takes', () => {
  const paused = runOf('zone-failover', [{ type: 'paused', by: 'prn_a' }])
  assert.equal(after(1e6, paused).takeOver, false)
  for (const procedure of ['point-in-time-recovery', 'component-restore', 'adoption'])
    assert.equal(after(1e6, runOf(procedure)).takeOver, false, procedure)
})
