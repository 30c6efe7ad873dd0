import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firingsAt } from './firing.ts'
import type { Firings } from './firing.ts'
import type { Schedule } from './schedule.ts'

type Calendar = Pick<Schedule, 'every' | 'on' | 'window' | 'timeZone'>

const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds
const instant = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString()

function shown({ current, next }: Firings): string {
  return `${instant(current.opensMs)} to ${instant(current.closesMs)}, then ${instant(next.opensMs)}`
}

const nightly: Calendar = { every: 'day', window: '02:30/PT1H', timeZone: 'Europe/Berlin' }

/** All openings from one instant to another, found by walking: what a control plane would see. */
function openings(schedule: Calendar, from: string, to: string): readonly string[] {
  const found: string[] = []
  for (let nowMs = at(from); ;) {
    const { opensMs } = firingsAt(schedule, nowMs).next
    assert.ok(opensMs > nowMs, 'the next one lies ahead')
    if (opensMs >= at(to)) return found
    found.push(instant(opensMs))
    nowMs = opensMs
  }
}

const periods: readonly (readonly [Calendar, now: string, expected: string])[] = [
  [
    { every: 'hour', timeZone: 'UTC' },
    '2026-11-22T08:20:00Z',
    '2026-11-22T08:00:00Z to 2026-11-22T09:00:00Z, then 2026-11-22T09:00:00Z',
  ],
  [
    { every: 'hour', timeZone: 'Asia/Kolkata' },
    '2026-11-22T08:20:00Z',
    '2026-11-22T07:30:00Z to 2026-11-22T08:30:00Z, then 2026-11-22T08:30:00Z',
  ],
  [
    nightly,
    '2026-11-22T01:30:00Z',
    '2026-11-22T01:30:00Z to 2026-11-22T02:30:00Z, then 2026-11-23T01:30:00Z',
  ],
  [
    nightly,
    '2026-11-22T01:29:59Z',
    '2026-11-21T01:30:00Z to 2026-11-21T02:30:00Z, then 2026-11-22T01:30:00Z',
  ],
  [
    { every: 'day', timeZone: 'UTC' },
    '2026-11-22T23:59:59Z',
    '2026-11-22T00:00:00Z to 2026-11-23T00:00:00Z, then 2026-11-23T00:00:00Z',
  ],
  [
    { every: 'week', on: 'sunday', window: '04:00/PT6H', timeZone: 'America/New_York' },
    '2026-11-23T00:00:00Z',
    '2026-11-22T09:00:00Z to 2026-11-22T15:00:00Z, then 2026-11-29T09:00:00Z',
  ],
  [
    { every: 'week', timeZone: 'UTC' },
    '2026-11-22T12:00:00Z',
    '2026-11-16T00:00:00Z to 2026-11-23T00:00:00Z, then 2026-11-23T00:00:00Z',
  ],
  [
    { every: 'month', on: 'first tuesday', timeZone: 'UTC' },
    '2026-11-22T12:00:00Z',
    '2026-11-03T00:00:00Z to 2026-12-01T00:00:00Z, then 2026-12-01T00:00:00Z',
  ],
  [
    { every: 'month', on: 'last friday', timeZone: 'UTC' },
    '2026-11-22T12:00:00Z',
    '2026-10-30T00:00:00Z to 2026-11-27T00:00:00Z, then 2026-11-27T00:00:00Z',
  ],
  [
    { every: 'month', on: 'day 28', timeZone: 'UTC' },
    '2026-01-30T12:00:00Z',
    '2026-01-28T00:00:00Z to 2026-02-28T00:00:00Z, then 2026-02-28T00:00:00Z',
  ],
  [
    { every: 'quarter', on: 'second tuesday', timeZone: 'UTC' },
    '2026-10-01T00:00:00Z',
    '2026-07-14T00:00:00Z to 2026-10-13T00:00:00Z, then 2026-10-13T00:00:00Z',
  ],
  [
    { every: 'quarter', on: 'last sunday', timeZone: 'UTC' },
    '2026-01-01T00:00:00Z',
    '2025-12-28T00:00:00Z to 2026-03-29T00:00:00Z, then 2026-03-29T00:00:00Z',
  ],
]

for (const [schedule, now, expected] of periods) {
  test(`every ${schedule.every} ${schedule.on ?? ''} in ${schedule.timeZone} at ${now}`, () => {
    assert.equal(shown(firingsAt(schedule, at(now))), expected)
  })
}

test('a local time that the clock change skips opens at the first valid instant after it, once', () => {
  const found = openings(nightly, '2026-03-27T12:00:00Z', '2026-03-30T12:00:00Z')
  assert.deepEqual(found, ['2026-03-28T01:30:00Z', '2026-03-29T01:30:00Z', '2026-03-30T00:30:00Z'])
})

test('a local time that happens twice opens at the first, once', () => {
  const found = openings(nightly, '2026-10-23T12:00:00Z', '2026-10-26T12:00:00Z')
  assert.deepEqual(found, ['2026-10-24T00:30:00Z', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'])
  const atMidnight: Calendar = { every: 'day', window: '00:30/PT1H', timeZone: 'America/Havana' }
  assert.equal(openings(atMidnight, '2026-10-31T12:00:00Z', '2026-11-02T12:00:00Z').length, 2)
})

for (const timeZone of [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Havana',
  'Asia/Kolkata',
]) {
  test(`a year in ${timeZone} has as many firings as it has periods, whatever the clocks do`, () => {
    const year = (schedule: Calendar): number =>
      openings(schedule, '2025-12-31T13:17:00Z', '2026-12-31T13:17:00Z').length
    for (const window of ['00:00/PT1H', '01:30/PT1H', '02:30/PT1H', '02:59/PT1H'])
      assert.equal(year({ every: 'day', window, timeZone }), 365, window)
    // Where clocks move by half an hour, one hour of the year is cut in two.
    const halves = timeZone === 'Australia/Lord_Howe' ? 1 : 0
    assert.equal(year({ every: 'hour', timeZone }), 365 * 24 + halves)
    assert.equal(year({ every: 'month', on: 'last sunday', window: '02:30/PT1H', timeZone }), 12)
  })
}
