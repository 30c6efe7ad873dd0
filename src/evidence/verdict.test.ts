import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleMeasurements } from '../../test/integration/sample-evidence.ts'
import { judgeObjectives, verdictNow } from './verdict.ts'
import type { MeasuredRun } from './verdict.ts'

const run: MeasuredRun = {
  scenario: 'zone-loss',
  status: 'completed',
  measurements: sampleMeasurements,
  times: { totalMs: 9_000, parts: {}, missing: [] },
  measuredAtMs: 1_000,
}
const zone = { scenario: 'zone-loss', rpoMs: 0, rtoMs: 300_000 } as const

function verdictOf(changed: Partial<MeasuredRun>, objective = zone) {
  return judgeObjectives([objective], { ...run, ...changed })[0]?.verdict
}

const { writes } = sampleMeasurements

test('an objective that the run met is proven, with what was measured and until when', () => {
  const [verdict] = judgeObjectives([zone], run)
  assert.equal(verdict?.verdict, 'PROVEN')
  assert.equal(verdict?.measuredRtoMs, 9_000)
  assert.equal(verdict?.lostWrites, 0)
  assert.ok((verdict?.validUntilMs ?? 0) > run.measuredAtMs)
})

test('one lost acknowledged write refutes an objective of none, however young it was', () => {
  const measurements = { ...sampleMeasurements, writes: { ...writes, lost: 1 }, lossMs: 0 }
  assert.equal(verdictOf({ measurements }), 'REFUTED')
})

test('a slow recovery, a lost second, a broken invariant and a failed run refute', () => {
  assert.equal(verdictOf({ times: { totalMs: 300_001, parts: {}, missing: [] } }), 'REFUTED')
  assert.equal(verdictOf({ measurements: { ...sampleMeasurements, lossMs: 1 } }), 'REFUTED')
  const invariants = [{ name: 'order', holds: false, detail: 'seq 7 before 6' }]
  assert.equal(verdictOf({ measurements: { ...sampleMeasurements, invariants } }), 'REFUTED')
  assert.equal(verdictOf({ status: 'rolled-back' }), 'REFUTED')
})

test('what was not measured is unproven, never passed', () => {
  assert.equal(verdictOf({ status: 'open' }), 'UNPROVEN')
  assert.equal(verdictOf({ times: { parts: {}, missing: ['no client request failed'] } }), 'UNPROVEN')
  const none = { ...writes, acknowledged: 0, found: 0 }
  assert.equal(verdictOf({ measurements: { ...sampleMeasurements, writes: none } }), 'UNPROVEN')
  const [other] = judgeObjectives([{ ...zone, scenario: 'region-loss' }], run)
  assert.equal(other?.verdict, 'UNPROVEN')
})

test('a scenario that the topology can not survive is refuted by design', () => {
  const [verdict] = judgeObjectives([{ ...zone, scenario: 'region-loss' }], run, {
    'region-loss': 'one region',
  })
  assert.equal(verdict?.verdict, 'REFUTED')
  assert.match(verdict?.reason ?? '', /by design: one region/)
})

test('a proven verdict reads unproven once its evidence is too old', () => {
  const [verdict] = judgeObjectives([zone], run)
  assert.ok(verdict !== undefined)
  const until = verdict.validUntilMs ?? 0
  assert.equal(verdictNow(verdict, until).verdict, 'PROVEN')
  assert.equal(verdictNow(verdict, until + 1).verdict, 'UNPROVEN')
})
