import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TimelineEnd } from './archive-end.ts'
import { startPosition } from './start-position.ts'

const segmentBytes = 1000

function held(
  ...ends: readonly (readonly [timeline: number, receivedTo: number])[]
): ReadonlyMap<number, TimelineEnd> {
  return new Map(
    ends.map(([timeline, receivedTo]) => [
      timeline,
      { timeline, end: receivedTo, reason: 'zeros', receivedTo },
    ]),
  )
}

const onFirst = { timeline: 1, flushed: 9_500, lineage: [{ timeline: 1, end: Number.POSITIVE_INFINITY }] }
const onThird = {
  timeline: 3,
  flushed: 9_500,
  lineage: [
    { timeline: 1, end: 5_200 },
    { timeline: 3, end: Number.POSITIVE_INFINITY },
  ],
}

test('an archive goes on at the start of the segment in which it ended', () => {
  assert.deepEqual(startPosition(held([1, 4_321]), onFirst, segmentBytes), {
    timeline: 1,
    start: 4_000,
    heldUntil: 4_321,
  })
  assert.deepEqual(startPosition(held([1, 5_000]), onThird, segmentBytes), {
    timeline: 1,
    start: 5_000,
    heldUntil: 5_000,
  })
})

test('a server that is behind is compared from where it is', () => {
  assert.deepEqual(startPosition(held([1, 9_900]), { ...onFirst, flushed: 7_100 }, segmentBytes), {
    timeline: 1,
    start: 7_000,
    heldUntil: 9_900,
  })
})

test('beyond the fork the next timeline is received from the segment of the fork on', () => {
  assert.deepEqual(startPosition(held([1, 5_900]), onThird, segmentBytes), {
    timeline: 3,
    start: 5_000,
    heldUntil: 0,
  })
  // Another standby's timeline 2 is no part of this history and stays as it is.
  assert.deepEqual(startPosition(held([1, 5_900], [2, 6_100]), onThird, segmentBytes), {
    timeline: 3,
    start: 5_000,
    heldUntil: 0,
  })
  assert.deepEqual(startPosition(held([1, 5_900], [3, 6_050]), onThird, segmentBytes), {
    timeline: 3,
    start: 6_000,
    heldUntil: 6_050,
  })
})

test('an archive that shares nothing with the server has no position', () => {
  assert.equal(startPosition(held(), onFirst, segmentBytes), undefined)
  assert.equal(startPosition(held([7, 1_000]), onFirst, segmentBytes), undefined)
})
