import assert from 'node:assert/strict'
import { test } from 'node:test'
import { samplePlan } from '../../test/integration/sample-evidence.ts'
import { planHash } from '../engine/plan-hash.ts'
import { planDifferences } from './plan-differences.ts'
import { paintFor } from './render/paint.ts'
import { planDifferenceText } from './render/plan-difference-text.ts'

const [first, ...rest] = samplePlan.steps
assert.ok(first !== undefined)

test('two plans with one hash do not differ, and two with different hashes do', () => {
  const copy = JSON.parse(JSON.stringify(samplePlan)) as typeof samplePlan
  assert.deepEqual(planDifferences(samplePlan, copy), [])
  const others = [
    { ...samplePlan, factsDigest: 'f'.repeat(64) },
    { ...samplePlan, mode: 'drill' as const },
    { ...samplePlan, parameters: { ...samplePlan.parameters, member: 'b1' } },
    { ...samplePlan, steps: samplePlan.steps.slice(0, -1) },
    { ...samplePlan, steps: samplePlan.steps.toReversed() },
    { ...samplePlan, steps: [{ ...first, timeoutMs: first.timeoutMs + 1 }, ...rest] },
  ]
  for (const other of others) {
    assert.notEqual(planHash(other), planHash(samplePlan))
    assert.equal(planDifferences(samplePlan, other).length, 1)
  }
})

test('what differs is named, with what it was and what it is', () => {
  const steps = [{ ...first, timeoutMs: 7 }, ...rest.slice(0, -1)]
  const last = samplePlan.steps.at(-1)
  const differences = planDifferences(samplePlan, { ...samplePlan, mode: 'drill', steps })
  assert.deepEqual(
    differences.map(({ what }) => what),
    ['mode', `step ${first.id}: timeoutMs`, `step ${last?.id}`],
  )
  assert.deepEqual(differences[1], {
    what: `step ${first.id}: timeoutMs`,
    before: first.timeoutMs,
    now: 7,
  })
  const text = planDifferenceText(differences, 'f'.repeat(64), paintFor({ hasColour: false }))
  assert.match(text, /mode\n {2}- "real"\n {2}\+ "drill"/)
  assert.match(text, /\n {2}\+ absent\n/)
})
