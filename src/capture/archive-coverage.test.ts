import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { archiveCoverage, gaps } from './archive-coverage.ts'
import { nextLine } from './archive-ledger.ts'
import type { LedgerEntry } from './archive-ledger.ts'
import { lsnOf, segmentName } from './wal-position.ts'

const segmentBytes = 16 << 20
const stamp = { atMs: 1, systemIdentifier: '1' }

function entriesOf(
  segments: readonly (readonly [timeline: number, number: number])[],
): readonly LedgerEntry[] {
  return segments.map(([timeline, number]) => {
    const start = number * segmentBytes
    const content = {
      kind: 'segment',
      segment: segmentName(timeline, start, segmentBytes),
      timeline,
      firstLsn: lsnOf(start),
      endLsn: lsnOf(start + segmentBytes),
      bytes: segmentBytes,
      sha256: '',
    } as const
    return nextLine(undefined, content, stamp).entry
  })
}

test('gaps are exactly the segments missing between the first and the last', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60), { minLength: 1 }), (numbers) => {
      const found = gaps({
        segmentBytes,
        entries: entriesOf(numbers.map((one) => [1, one])),
        histories: new Map(),
      })
      const held = new Set(numbers)
      let missing = 0
      for (let one = Math.min(...numbers); one < Math.max(...numbers); one++) if (!held.has(one)) missing += 1
      assert.equal(
        found.reduce((total, gap) => total + gap.missingSegments, 0),
        missing,
      )
      for (const gap of found)
        assert.ok(!held.has(gap.start / segmentBytes) && held.has(gap.end / segmentBytes))
    }),
  )
})

test('a history goes over from its ancestor in the segment of the fork, and each history has its own gaps', () => {
  const fork = 5 * segmentBytes + 4096
  const histories = new Map([[2, `1\t${lsnOf(fork)}\tno recovery target specified\n`]])
  const entries = entriesOf([
    [1, 3],
    [1, 4],
    [1, 5],
    [1, 6],
    [2, 5],
    [2, 6],
    [2, 8],
  ])
  const [first, second] = archiveCoverage({ segmentBytes, entries, histories })
  assert.deepEqual(first?.ranges, [{ start: 3 * segmentBytes, end: 7 * segmentBytes }])
  assert.deepEqual(second?.ranges, [
    { start: 3 * segmentBytes, end: 7 * segmentBytes },
    { start: 8 * segmentBytes, end: 9 * segmentBytes },
  ])
  assert.deepEqual(
    second?.gaps.map(({ firstMissing }) => firstMissing),
    ['000000020000000000000007'],
  )
  // Without the new timeline's own copy of that segment the ancestor's reaches to the fork only.
  const without = archiveCoverage({
    segmentBytes,
    entries: entries.filter((one) => !('segment' in one && one.segment === '000000020000000000000005')),
    histories,
  })
  assert.equal(without.at(-1)?.gaps[0]?.start, fork)
})

test('a damaged segment does not count', () => {
  const entries = entriesOf([
    [1, 1],
    [1, 2],
    [1, 3],
  ])
  const damaged = new Set(['000000010000000000000002'])
  assert.equal(
    gaps({ segmentBytes, entries, histories: new Map(), damaged })[0]?.firstMissing,
    '000000010000000000000002',
  )
})
