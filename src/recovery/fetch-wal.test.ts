import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neededSegments } from './fetch-wal.ts'

const segmentBytes = 1 << 20
const lineage = [
  { timeline: 1, end: 5 * segmentBytes + 100 },
  { timeline: 2, end: 5 * segmentBytes + 900 },
  { timeline: 3, end: Number.POSITIVE_INFINITY },
]
const name = (timeline: number, segment: number) =>
  `${timeline.toString(16).padStart(8, '0')}00000000${segment.toString(16).padStart(8, '0')}`
const needed = (from: number, until: number) => neededSegments(lineage, { from, until }, segmentBytes)

test('each place of the history once: of a segment in which a timeline began, its own', () => {
  const [from, until] = [3 * segmentBytes + 40, 6 * segmentBytes + 8]
  // Segments of 1 MiB: 0xfff of them have one log number, so low numbers are the segment itself.
  assert.deepEqual(needed(from, until), [name(1, 3), name(1, 4), name(3, 5), name(3, 6)])
})

test('none of a timeline that began in a segment behind the range', () => {
  assert.deepEqual(needed(4 * segmentBytes, 5 * segmentBytes), [name(1, 4)])
})
