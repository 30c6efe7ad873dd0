import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { sampleApproval, sampleJournal, samplePlan } from '../../../test/integration/sample-evidence.ts'
import { errorBlock } from './error-block.ts'
import { milliseconds } from './milliseconds.ts'
import { paintFor } from './paint.ts'
import { plainText } from './plain-text.ts'
import { planText } from './plan-text.ts'
import { runLine } from './run-line.ts'

const paint = paintFor({ hasColour: false })

test('every journal record is one line that says whether it is a drill', () => {
  const journal = sampleJournal([sampleApproval()])
  for (const mode of ['real', 'drill'] as const) {
    const lines = journal.map((record) => runLine(record, mode, paint))
    assert.ok(lines.every((line) => line.startsWith(mode === 'drill' ? 'DRILL ' : 'REAL  ')))
    assert.ok(lines.every((line) => line.split('\n').length === 2))
  }
})

test('a plan shows its mode, its hash and where the way back ends', () => {
  const text = planText(samplePlan, 'f'.repeat(64), paint)
  assert.match(text, /##### REAL #####/)
  assert.match(text, /Until promote cancelling rolls back/)
  assert.match(text, /f{64}/)
  assert.match(planText({ ...samplePlan, mode: 'drill' }, '', paint), /----- DRILL -----/)
})

test('what an approver accepts beside the plan stands under its steps', () => {
  const [first, ...others] = samplePlan.steps
  assert.ok(first !== undefined)
  const risky = { ...first, args: { ...first.args, accepts: ['lost: what p1 had not sent'] } }
  const shown = planText({ ...samplePlan, steps: [risky, ...others] }, '', paint)
  assert.match(shown, /^ACCEPTS +lost: what p1 had not sent$/m)
  assert.doesNotMatch(planText(samplePlan, '', paint), /ACCEPTS/)
})

test('an error is a block with what, where and the next command', () => {
  const error = new RecoveryError({
    code: 'A_B',
    class: 'refused',
    message: 'x.yaml:1:2: no\nsecond',
    hint: 'do y',
  })
  assert.equal(errorBlock(error, paint), 'error A_B (refused)\n  x.yaml:1:2: no\n  second\n  next: do y\n')
})

test('text from elsewhere can not move the cursor or hide itself', () => {
  assert.equal(plainText('a\u001b[2Jb\u202ec\r'), 'a\\u001b[2Jb\\u202ec\\u000d')
})

test('durations are written as people say them', () => {
  assert.deepEqual([0, 999, 1_500, 61_000, 3_660_000, 200_000_000].map(milliseconds), [
    '0 ms',
    '999 ms',
    '1.5 s',
    '1 min 1 s',
    '1 h 1 min',
    '2 days',
  ])
})
