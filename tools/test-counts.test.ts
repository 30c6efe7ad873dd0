import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTestCounts } from './test-counts.ts'

test('counts what passed, and calls everything else failed', () => {
  const lines = [
    'ℹ tests 9',
    'ℹ suites 2',
    'ℹ pass 4',
    'ℹ fail 1',
    'ℹ cancelled 1',
    'ℹ skipped 2',
    'ℹ todo 1',
  ]
  assert.deepEqual(readTestCounts(lines), { passed: 4, failed: 5 })
})

test('the last report wins: a test may print one of its own', () => {
  assert.deepEqual(readTestCounts(['ℹ tests 1', 'ℹ pass 1', 'ℹ tests 3', 'ℹ pass 2']), {
    passed: 2,
    failed: 1,
  })
})

test('a runner that died before its closing lines has no counts', () => {
  assert.equal(readTestCounts(['ℹ tests 1']), undefined)
  assert.equal(readTestCounts([]), undefined)
})
