import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatSyncRule, parseSyncRule } from './sync-rule.ts'

test('names every standby and how many of them must acknowledge', () => {
  assert.equal(formatSyncRule(['b', 'c'], 1), 'ANY 1 ("b", "c")')
  assert.equal(formatSyncRule([], 0), '')
})

test('refuses a rule that means something else', () => {
  for (const [names, count] of [
    [['b', 'B'], 1],
    [['*'], 1],
    [['b'], 2],
    [['b'], 0],
    [['b'], 1.5],
  ] as const) {
    assert.throws(() => formatSyncRule(names, count), /rule|name/, `${count} of ${names.join()}`)
  }
})

test('what was written is read back', () => {
  const name = fc.stringMatching(/^[!-)+-~]([ -~]{0,20}[!-~])?$/)
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4, selector: (text) => text.toLowerCase() })
  fc.assert(
    fc.property(names, (list) => {
      assert.deepEqual(parseSyncRule(formatSyncRule(list, list.length)), { names: list, count: list.length })
    }),
  )
})

test('another form is shown as it is, never as names that can be counted', () => {
  for (const text of ['*', 'FIRST 1 (b)', 'b, c', 'ANY 1 (*)', 'ANY 1 (b, *)', 'ANY 1 ("*")', '1 (b)']) {
    assert.deepEqual(parseSyncRule(text), { names: [], count: 0, foreign: text })
  }
  assert.deepEqual(parseSyncRule(' any  2 ( b ,"C d" ) '), { names: ['b', 'C d'], count: 2 })
})
