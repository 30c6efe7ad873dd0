import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { memoryClock } from '../../test/support/clock-entries.ts'
import type { RecoveryError } from '../domain/recovery-error.ts'
import type { ClockEntry } from './commit-clock.ts'
import type { RecoveryCatalogue } from './recovery-points.ts'
import { resolveTarget } from './resolve-target.ts'
import { lsnOf } from './wal-position.ts'

const segmentBytes = 16 << 20
const own = [{ timeline: 1, end: Number.POSITIVE_INFINITY }]

function entry(index: number, timeMicroseconds: number, more: Partial<ClockEntry> = {}): ClockEntry {
  const start = segmentBytes + 1000 + index * 100
  const base = { kind: 'commit', timeline: 1, subtransactions: [], name: '' } as const
  return { ...base, start, end: start + 40, xid: 700 + index, timeMicroseconds, ...more }
}

function catalogue(clock: readonly ClockEntry[], more: Partial<RecoveryCatalogue> = {}): RecoveryCatalogue {
  const end = (clock.at(-1)?.end ?? segmentBytes + 1000) + 8
  return {
    coverage: [{ timeline: 1, lineage: own, ranges: [{ start: segmentBytes, end }], gaps: [] }],
    clock: memoryClock(clock),
    ends: new Map([[1, { timeline: 1, end, lastRecord: end - 8, reason: 'zeros', receivedTo: end }]]),
    backups: [{ id: 'b1', timeline: 1, startLsn: lsnOf(segmentBytes), endLsn: lsnOf(segmentBytes + 500) }],
    ...more,
  }
}

async function refusal(work: Promise<unknown>): Promise<RecoveryError> {
  try {
    await work
  } catch (error) {
    return error as RecoveryError
  }
  return assert.fail('it was not refused')
}

test('a time gives one LSN: every commit before it has a time not after, and the one at it is later (T08)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(40), { minLength: 1 }), fc.nat(45), async (times, at) => {
      const entries = times.map((time, index) => entry(index, time))
      const all = catalogue(entries)
      const known = Math.max(...times)
      if (at > known) {
        assert.equal(
          (await refusal(resolveTarget(all, { kind: 'time', microseconds: at }))).code,
          'TARGET_UNREACHABLE',
        )
        return
      }
      const resolved = await resolveTarget(all, { kind: 'time', microseconds: at })
      const isKept = ({ start }: ClockEntry): boolean =>
        lsnOf(start) !== resolved.lsn && !resolved.after.some((one) => one.start <= start)
      assert.ok(entries.filter(isKept).every(({ timeMicroseconds }) => timeMicroseconds <= at))
      if (!resolved.inclusive) assert.ok((resolved.after[0]?.timeMicroseconds ?? 0) > at)
      const undone = entries.filter((one) => !isKept(one))
      assert.deepEqual(
        resolved.undoneEarlier,
        undone.filter(({ timeMicroseconds }) => timeMicroseconds <= at),
      )
    }),
  )
})

test('commits of one microsecond fall on the same side', async () => {
  const all = catalogue([entry(0, 10), entry(1, 20), entry(2, 20), entry(3, 30)])
  assert.equal((await resolveTarget(all, { kind: 'time', microseconds: 20 })).lsn, lsnOf(entry(3, 30).start))
  assert.equal((await resolveTarget(all, { kind: 'time', microseconds: 19 })).lsn, lsnOf(entry(1, 20).start))
})

test('a time after the last commit is reachable when the server was seen with nothing more', async () => {
  const commits = [entry(0, 10), entry(1, 20)]
  const end = (commits[1]?.end ?? 0) + 8
  const idle = { ...entry(2, 500), kind: 'alive', start: end, end, xid: 0 } as const
  const all = catalogue([...commits, idle], {
    ends: catalogue(commits).ends,
    coverage: catalogue(commits).coverage,
  })
  const resolved = await resolveTarget(all, { kind: 'time', microseconds: 400 })
  assert.deepEqual([resolved.inclusive, resolved.reached, resolved.undoneCommits], [true, lsnOf(end), 0])
  const late = await refusal(resolveTarget(all, { kind: 'time', microseconds: 501 }))
  assert.equal(late.class, 'refused')
  assert.equal(late.context['lostSeconds'], 0.000001)
})

test('an xid means just before its commit, also that of a subtransaction; one rolled back or unknown is refused', async () => {
  const all = catalogue([
    entry(0, 10),
    entry(1, 20, { subtransactions: [9001, 9002] }),
    entry(2, 30, { kind: 'abort' }),
    entry(3, 40, { kind: 'commit-prepared', xid: 9100 }),
  ])
  assert.equal((await resolveTarget(all, { kind: 'xid', xid: 9002 })).lsn, lsnOf(entry(1, 20).start))
  assert.equal((await resolveTarget(all, { kind: 'xid', xid: 9100 })).lsn, lsnOf(entry(3, 40).start))
  assert.match((await refusal(resolveTarget(all, { kind: 'xid', xid: 702 }))).message, /rolled back/)
  assert.match((await refusal(resolveTarget(all, { kind: 'xid', xid: 1 }))).message, /not in the archive/)
})

test('a named point is reached including it; a name that was given twice is refused with both LSNs', async () => {
  const point = entry(1, 20, { kind: 'restore-point', name: 'before', xid: 0 })
  const all = catalogue([entry(0, 10), point, entry(2, 30)])
  const resolved = await resolveTarget(all, { kind: 'name', name: 'before' })
  assert.deepEqual([resolved.lsn, resolved.inclusive, resolved.undoneCommits], [lsnOf(point.start), true, 1])
  const twice = catalogue([point, entry(2, 30, { kind: 'restore-point', name: 'before' })])
  assert.match(
    (await refusal(resolveTarget(twice, { kind: 'name', name: 'before' }))).message,
    /2 times: at 0\/.*, 0\//,
  )
})

test('before the oldest backup is refused with the earliest point (T06)', async () => {
  const commits = [entry(0, 10), entry(1, 20)]
  const all = catalogue(commits, {
    backups: [{ id: 'b1', timeline: 1, startLsn: lsnOf(segmentBytes), endLsn: lsnOf(entry(0, 10).end) }],
  })
  const error = await refusal(resolveTarget(all, { kind: 'time', microseconds: 5 }))
  assert.equal(error.context['nearestLsn'], lsnOf(entry(0, 10).end))
  assert.equal((await resolveTarget(all, { kind: 'end' })).backup.id, 'b1')
})

test('behind a missing segment is refused with the nearest commit and the loss in seconds and transactions (T02 T07)', async () => {
  const clock = Array.from({ length: 10 }, (_, index) => entry(index, index * 1_000_000))
  const broken = entry(4, 0).start - 10
  const gap = {
    timeline: 1,
    start: broken,
    end: broken + 200,
    firstMissing: '000000010000000000000002',
    missingSegments: 1,
  }
  const whole = catalogue(clock)
  const end = whole.coverage[0]?.ranges[0]?.end ?? 0
  const ranges = [
    { start: segmentBytes, end: broken },
    { start: broken + 200, end },
  ]
  const all = { ...whole, coverage: [{ timeline: 1, lineage: own, ranges, gaps: [gap] }] }
  for (const target of [{ kind: 'end' }, { kind: 'xid', xid: 709 }] as const) {
    const error = await refusal(resolveTarget(all, target))
    assert.match(error.message, /000000010000000000000002/)
    assert.equal(error.context['nearestLsn'], lsnOf(entry(3, 0).start))
    assert.equal(error.context['lostTransactions'], target.kind === 'end' ? 6 : 5)
    assert.equal(error.context['lostSeconds'], target.kind === 'end' ? 6 : 5)
  }
  assert.equal((await resolveTarget(all, { kind: 'xid', xid: 703 })).undoneCommits, 7)
})
