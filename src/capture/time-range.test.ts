import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryClock, writtenClock } from '../../test/support/clock-entries.ts'
import type { ClockEntry } from './commit-clock.ts'
import { endOfTime, startOfTime } from './time-range.ts'

const lineage = [{ timeline: 1, end: Number.POSITIVE_INFINITY }]
const logBytes = 0x1_0000_0000

function entry(start: number, timeMicroseconds: number, kind: ClockEntry['kind'] = 'commit'): ClockEntry {
  const name = kind === 'database-drop' ? '5' : ''
  return { kind, timeline: 1, start, end: start + 8, xid: start, timeMicroseconds, subtransactions: [], name }
}

test('a time is between the last entry that is not after it and the first that is not before it, clocks that step included', async () => {
  const clock = memoryClock([entry(100, 10), entry(200, 30), entry(300, 20), entry(400, 40)])
  assert.equal(await startOfTime(clock, lineage, 15), 200)
  assert.equal(await endOfTime(clock, lineage, 25), 308, 'a commit whose clock was behind is within')
  assert.equal(await startOfTime(clock, lineage, 41), 408)
  assert.equal(await endOfTime(clock, lineage, 9), 0)
})

test('a database whose files are removed later has no time, and draws no range to itself', async () => {
  const entries = [entry(100, 10), entry(200, 20), entry(300, 0, 'database-drop'), entry(400, 30)]
  assert.equal(await endOfTime(memoryClock(entries), lineage, 20), 208)
  const far = [...entries, entry(logBytes + 100, 40)]
  assert.equal(await endOfTime(await writtenClock(far), lineage, 20), 208, 'with summaries')
  assert.equal(await startOfTime(await writtenClock(far), lineage, 25), 400)
})
