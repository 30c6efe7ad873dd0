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

const corruption = { scenario: 'corruption', rpoMs: 60_000, rtoMs: 300_000 } as const
const undone = { writes: 12, spanMs: 4_000, ids: ['w-7'] }

function corruptionVerdict(changed: object, rpoMs: number = corruption.rpoMs) {
  const measurements = { ...sampleMeasurements, undone, ...changed }
  return judgeObjectives([{ ...corruption, rpoMs }], { ...run, scenario: 'corruption', measurements })[0]
}

test('after a corruption the writes behind the target count against the objective, and are named apart from lost ones', () => {
  const verdict = corruptionVerdict({})
  assert.equal(verdict?.verdict, 'PROVEN')
  assert.equal(verdict?.lostWrites, 0)
  assert.equal(verdict?.undoneWrites, 12)
  assert.equal(verdict?.measuredRpoMs, 4_000)
  assert.equal(corruptionVerdict({}, 3_999)?.verdict, 'REFUTED')
})

test('a write from before the corruption that is lost refutes, however generous the objective', () => {
  assert.equal(corruptionVerdict({ writes: { ...writes, lost: 1 } })?.verdict, 'REFUTED')
})

test('that nothing is lost by a corruption is never proven while nothing replays what came after it', () => {
  assert.equal(corruptionVerdict({}, 0)?.verdict, 'UNPROVEN')
  assert.equal(corruptionVerdict({ undone: { writes: 0, spanMs: 0, ids: [] } }, 0)?.verdict, 'UNPROVEN')
})
