import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailureLines } from './failure-lines.ts'

test('what the reporter repeats of failed tests is kept, and nothing before it', () => {
  const kept = new FailureLines()
  for (const line of ['✖ one (2ms)', 'ℹ fail 1', '✖ failing tests:', '', 'test at a.ts:1:1', '✖ one (2ms)'])
    kept.push(line)
  assert.deepEqual(kept.lines, ['', 'test at a.ts:1:1', '✖ one (2ms)'])
})

test('a suite of which everything fails is cut, and says so', () => {
  const kept = new FailureLines()
  kept.push('✖ failing tests:')
  for (let n = 0; n < 125; n++) kept.push(`line ${n}`)
  assert.equal(kept.lines.length, 121)
  assert.equal(kept.lines.at(-1), '… and 5 lines more, further up')
})
