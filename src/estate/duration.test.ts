import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatByteSize, parseByteRate, parseByteSize } from './byte-size.ts'
import { formatDuration, parseDurationMs } from './duration.ts'

test('durations of fixed length are read exactly', () => {
  const read: [string, number][] = [
    ['PT0S', 0],
    ['PT1H', 3_600_000],
    ['P1W', 604_800_000],
    ['P1DT2H3M4.5S', 93_784_500],
    ['PT0.001S', 1],
  ]
  for (const [text, ms] of read) assert.equal(parseDurationMs(text), ms, text)
})

test('what has no fixed length, or is no duration, is not read', () => {
  const refused = [
    'P',
    'PT',
    '',
    'P1DT',
    'P1Y',
    'P1M',
    '-PT1S',
    'PT-1S',
    'PT1.5H',
    'pt1s',
    '1h',
    'PT1S ',
    'PT0.0001S',
    'P99999999999999999W',
  ]
  for (const text of refused) assert.equal(parseDurationMs(text), undefined, text)
})

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (ms) =>
      assert.equal(parseDurationMs(formatDuration(ms)), ms),
    ),
  )
})

test('sizes and rates are read exactly or not at all', () => {
  assert.equal(parseByteSize('500 GiB'), 500 * 2 ** 30)
  assert.equal(parseByteSize('1.5kB'), 1500)
  assert.equal(parseByteRate('200 MiB/s'), 200 * 2 ** 20)
  for (const text of ['', 'GiB', '-1 GiB', '1 gib', '1 Gb', '1e3 B', '999999999 PiB', '5 MiB/s ']) {
    assert.equal(parseByteSize(text), undefined, text)
  }
  assert.equal(parseByteRate('200 MiB'), undefined)
  assert.equal(formatByteSize(64 * 2 ** 30), '64 GiB')
})
