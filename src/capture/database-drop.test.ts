import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClockEntry } from './commit-clock.ts'
import { DropWatch } from './database-drop.ts'

function entry(kind: ClockEntry['kind'], start: number, xid: number): ClockEntry {
  const rest = { timeline: 1, end: start + 8, timeMicroseconds: 0, subtransactions: [], name: '' }
  return { kind, start, xid, ...rest }
}

const entries = [
  entry('commit', 100, 7),
  entry('database-drop', 200, 8),
  entry('commit', 300, 9),
  entry('commit', 400, 8),
  entry('database-drop', 500, 10),
  entry('abort', 600, 10),
  entry('database-drop', 700, 11),
]

test('a place is within the drop of a database from the removal of its files to the end of its transaction', () => {
  const within = (reached: number): number | undefined => {
    const drops = new DropWatch()
    for (const one of entries) if (one.start < reached) drops.see(one)
    return drops.underWay()?.start
  }
  assert.deepEqual([100, 200].map(within), [undefined, undefined], 'before it')
  assert.deepEqual([201, 300, 308, 400].map(within), [200, 200, 200, 200], 'the commit is not in yet')
  assert.deepEqual([401, 500].map(within), [undefined, undefined])
  assert.equal(within(600), 500)
  assert.equal(within(601), undefined)
  assert.equal(within(9_999), 700, 'one that nobody ended')
})
