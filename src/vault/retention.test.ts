import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideRetention } from './retention.ts'
import type { KeptSnapshot } from './retention.ts'

const day = 86_400_000
const nowMs = 2_000 * day

/** One verified snapshot a week, the oldest first. */
function weekly(count: number, more: Partial<KeptSnapshot> = {}): readonly KeptSnapshot[] {
  return Array.from({ length: count }, (_, index) => ({
    epoch: `w${index}`,
    snapshot: `s${index}`,
    source: 'orders',
    sequence: index + 1,
    finishedAtMs: nowMs - (count - 1 - index) * 7 * day,
    isVerified: true,
    lockedUntilMs: null,
    ...more,
  }))
}

const rule = { keepMs: 14 * day, keepAtLeast: 1 }

test('takes whole epochs that are older than the rule, oldest first', () => {
  assert.deepEqual(decideRetention(weekly(5), rule, nowMs).expired, ['w0', 'w1'])
  assert.deepEqual(decideRetention(weekly(5), { ...rule, keepMs: 13 * day }, nowMs).expired, [
    'w0',
    'w1',
    'w2',
  ])
})

test('never takes the last verified one, and no epoch of which one snapshot is still needed', () => {
  const [old, ...later] = weekly(5)
  const onlyOldVerified = [old as KeptSnapshot, ...later.map((one) => ({ ...one, isVerified: false }))]
  const decision = decideRetention(onlyOldVerified, rule, nowMs)
  assert.deepEqual(decision.expired, ['w1'])
  assert.match(decision.kept[0]?.because ?? '', /only 0 verified snapshots would be left/)
  assert.deepEqual(decideRetention(weekly(5, { isVerified: false }), rule, nowMs).expired, [])
  assert.deepEqual(decideRetention(weekly(5), { ...rule, keepAtLeast: 5 }, nowMs).expired, [])
  assert.deepEqual(decideRetention(weekly(5), { ...rule, keepAtLeast: 4 }, nowMs).expired, ['w0'])
  assert.deepEqual(decideRetention(weekly(5, { epoch: 'one' }), rule, nowMs).expired, [])
})

test('a clock that jumps takes nothing that it would not have taken before', () => {
  for (const years of [1, 10, 1000]) {
    assert.deepEqual(decideRetention(weekly(5), rule, nowMs + years * 365 * day).expired, ['w0', 'w1'])
  }
  assert.deepEqual(decideRetention(weekly(5), rule, nowMs - 10 * day).expired, ['w0'])
  assert.deepEqual(decideRetention(weekly(5), rule, 1).expired, [])
  const [first, ...others] = weekly(5)
  const stampedAhead = [...others, { ...(first as KeptSnapshot), finishedAtMs: nowMs + 9_999 * day }]
  assert.deepEqual(decideRetention(stampedAhead, rule, nowMs).expired, ['w1'])
})

test('a lock holds, also against a clock that jumped ahead', () => {
  const locked = weekly(5, { lockedUntilMs: nowMs + day })
  assert.deepEqual(decideRetention(locked, rule, nowMs).expired, [])
  assert.deepEqual(decideRetention(locked, rule, nowMs + 999 * day).expired, [])
})

test('blank values are refused, not taken for "keep nothing"', () => {
  const values = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1.5, undefined, null, ''] as number[]
  for (const value of values) {
    const refusal = { code: 'VAULT_RETENTION_BLANK', class: 'refused' }
    assert.throws(() => decideRetention(weekly(3), { ...rule, keepMs: value }, nowMs), refusal)
    assert.throws(() => decideRetention(weekly(3), { ...rule, keepAtLeast: value }, nowMs), refusal)
    assert.throws(() => decideRetention(weekly(3), rule, value), refusal)
  }
})

test('whatever there is, enough verified ones and everything young stays', () => {
  const snapshot = fc.record({
    epoch: fc.constantFrom('a', 'b', 'c', 'd'),
    snapshot: fc.string(),
    source: fc.constantFrom('orders', 'ledger'),
    sequence: fc.integer({ min: 1, max: 50 }),
    finishedAtMs: fc.integer({ min: nowMs - 90 * day, max: nowMs + 5 * day }),
    isVerified: fc.boolean(),
    lockedUntilMs: fc.constantFrom(null, nowMs + day),
  })
  const rules = fc.record({
    keepMs: fc.integer({ min: 1, max: 60 * day }),
    keepAtLeast: fc.integer({ min: 1, max: 3 }),
  })
  fc.assert(
    fc.property(fc.array(snapshot, { maxLength: 12 }), rules, (snapshots, given) => {
      const { expired } = decideRetention(snapshots, given, nowMs)
      const left = snapshots.filter(({ epoch }) => !expired.includes(epoch))
      for (const source of ['orders', 'ledger']) {
        const verified = (list: readonly KeptSnapshot[]) =>
          list.filter((one) => one.source === source && one.isVerified).length
        const touched = snapshots.some((one) => one.source === source && expired.includes(one.epoch))
        if (touched) assert.ok(verified(left) >= given.keepAtLeast)
      }
      for (const one of snapshots) {
        if (!expired.includes(one.epoch)) continue
        assert.ok(nowMs - one.finishedAtMs > given.keepMs && one.lockedUntilMs === null)
      }
    }),
  )
})
