import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTestOptions } from './test-options.ts'

test('without options everything runs, under a fresh seed', () => {
  assert.deepEqual(parseTestOptions([], 7), { profile: 'full', only: undefined, seed: 7 })
})

test('--only takes suite names with commas, --seed repeats an order', () => {
  const options = parseTestOptions(['--profile', 'minimal', '--only', 'unit, tidy', '--seed', '42'], 7)
  assert.deepEqual(options, { profile: 'minimal', only: new Set(['unit', 'tidy']), seed: 42 })
})

test('a name that does not exist is refused, never ignored', () => {
  for (const argv of [
    ['--profile', 'fast'],
    ['--only', 'units'],
    ['--seed', 'x'],
    ['--onlly', 'unit'],
    ['unit'],
  ]) {
    assert.throws(() => parseTestOptions(argv, 7), Error, argv.join(' '))
  }
})
