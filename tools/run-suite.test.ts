import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dealt } from './run-suite.ts'

test('every file is dealt to one process, in turn, and no process is without', () => {
  assert.deepEqual(dealt(['a', 'b', 'c', 'd', 'e'], 2), [
    ['a', 'c', 'e'],
    ['b', 'd'],
  ])
  assert.deepEqual(dealt(['a'], 2), [['a']])
  assert.deepEqual(dealt(['a', 'b'], 1), [['a', 'b']])
})
