import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideFence } from './fence-decision.ts'
import type { FenceFacts } from './fence-decision.ts'

const quiet: FenceFacts = {
  role: 'primary',
  nowMs: 10_000,
  renewedMs: 8_000,
  acknowledgedMs: 8_000,
  fenceMs: 1_000,
  replaceable: true,
  superseded: false,
}

test('a primary that could neither renew nor see an acknowledgement for longer than the bound stops', () => {
  assert.deepEqual(decideFence(quiet), { fence: true, reason: 'isolated' })
})

test('a primary that no automatic failover can replace goes on when it is alone', () => {
  assert.deepEqual(decideFence({ ...quiet, replaceable: false }), { fence: false })
})

test('either of the two alone keeps it running', () => {
  assert.equal(decideFence({ ...quiet, renewedMs: 9_000 }).fence, false)
  assert.equal(decideFence({ ...quiet, acknowledgedMs: 9_000 }).fence, false)
})

test('the bound itself is still within it', () => {
  assert.equal(decideFence({ ...quiet, renewedMs: 9_000 }).fence, false)
  assert.equal(decideFence({ ...quiet, renewedMs: 8_999 }).fence, true)
})

test('a superseded primary stops at once, however well it is connected', () => {
  const connected = { ...quiet, renewedMs: 10_000, acknowledgedMs: 10_000, superseded: true }
  assert.deepEqual(decideFence(connected), { fence: true, reason: 'superseded' })
})

test('only a primary is ever fenced', () => {
  for (const role of ['standby', 'starting', 'stopped', 'unknown'] as const)
    assert.equal(decideFence({ ...quiet, role, superseded: true }).fence, false)
})

test('more silence never turns a fence back into none', () => {
  const facts = fc.record({
    renewedMs: fc.nat(20_000),
    acknowledgedMs: fc.nat(20_000),
    fenceMs: fc.nat(5_000),
  })
  fc.assert(
    fc.property(facts, fc.nat(20_000), fc.nat(20_000), (times, nowMs, laterMs) => {
      const at = (ms: number): boolean => decideFence({ ...quiet, ...times, nowMs: ms }).fence
      return !at(nowMs) || at(nowMs + laterMs)
    }),
  )
})
