import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { memoryClock, readClock, writtenClock } from '../../test/support/clock-entries.ts'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { sampleIdentity } from '../../test/support/sample-archive.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { openClock, readSummary } from './clock-reader.ts'
import type { CommitClock } from './clock-reader.ts'
import { ClockWriter } from './clock-writer.ts'
import type { ClockEntry } from './commit-clock.ts'
import { recoveryPoints } from './recovery-points.ts'
import type { RecoveryCatalogue } from './recovery-points.ts'
import { resolveTarget } from './resolve-target.ts'
import type { RecoveryTarget } from './resolve-target.ts'
import { lsnOf } from './wal-position.ts'

const logBytes = 2 ** 32

interface Step {
  readonly kind: ClockEntry['kind']
  readonly gap: number
  readonly xid: number
  readonly time: number
  readonly subtransactions: readonly number[]
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<ClockEntry['kind']>(
      ...(['commit', 'commit', 'commit', 'abort', 'commit-prepared', 'alive', 'restore-point'] as const),
      'database-drop',
    ),
    gap: fc.constantFrom(64, 64, logBytes / 4, logBytes, 3 * logBytes),
    xid: fc.integer({ min: 1, max: 6 }),
    time: fc.nat(12),
    subtransactions: fc.array(fc.integer({ min: 7, max: 12 }), { maxLength: 2 }),
  }),
  { minLength: 1, maxLength: 14 },
)

/** Two timelines, the second one leaves the first in front of `leaves`. */
function catalogueOf(all: readonly Step[], leaves: number) {
  let start = logBytes
  const written = all.map(({ kind, gap, xid, time, subtransactions }, index): ClockEntry => {
    start += gap
    const hasXid = kind !== 'restore-point' && kind !== 'alive'
    return {
      ...{ kind, timeline: 1, start, end: kind === 'alive' ? start : start + 40 },
      xid: hasXid ? xid : 0,
      timeMicroseconds: kind === 'database-drop' ? 0 : time,
      subtransactions: kind === 'commit' ? subtransactions : [],
      name: kind === 'restore-point' ? `point ${index % 2}` : '',
    }
  })
  const fork = written[leaves % written.length] as ClockEntry
  const taken = written.filter((entry) => entry.start >= fork.start)
  const moved = taken.map((entry) => {
    const more = { start: entry.start + 8, end: entry.end + 8, timeMicroseconds: entry.timeMicroseconds }
    return { ...entry, ...more, timeline: 2 }
  })
  const end = start + 1000
  const ranges = [{ start: logBytes, end }]
  const own = { timeline: 1, end: Number.POSITIVE_INFINITY }
  const lineage = [
    { timeline: 1, end: fork.start },
    { timeline: 2, end: Number.POSITIVE_INFINITY },
  ]
  const ends = new Map(
    [1, 2].map((timeline) => [
      timeline,
      { timeline, end, lastRecord: end - 8, reason: 'zeros', receivedTo: end },
    ]),
  )
  const backup = { id: 'b1', timeline: 1, startLsn: lsnOf(logBytes), endLsn: lsnOf(logBytes + 32) }
  const entries = [...written, ...moved]
  const coverage = [
    { timeline: 1, lineage: [own], ranges, gaps: [] },
    { timeline: 2, lineage, ranges, gaps: [] },
  ]
  const of = (clock: CommitClock): RecoveryCatalogue => ({ coverage, clock, ends, backups: [backup] })
  return { entries, of }
}

const targets = fc.oneof(
  fc.record({ kind: fc.constant('time' as const), microseconds: fc.nat(13) }),
  fc.record({ kind: fc.constant('xid' as const), xid: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant('name' as const), name: fc.constantFrom('point 0', 'point 1') }),
  fc.record({ kind: fc.constant('end' as const) }),
  fc.record({
    kind: fc.constant('lsn' as const),
    lsn: fc.nat(40).map((quarters) => lsnOf(logBytes + 100 + Math.floor((quarters * logBytes) / 4))),
  }),
)

async function answer(catalogue: RecoveryCatalogue, target: RecoveryTarget): Promise<unknown> {
  try {
    return await resolveTarget(catalogue, target)
  } catch (error) {
    if (error instanceof RecoveryError) return [error.message, error.context]
    throw error
  }
}

test('what is passed over because of a summary changes no answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.nat(20),
      targets,
      fc.constantFrom(1, 2),
      async (all, leaves, target, timeline) => {
        const { entries, of } = catalogueOf(all, leaves)
        const [summed, plain] = [of(await writtenClock(entries)), of(memoryClock(entries))]
        const wanted = { ...target, timeline }
        assert.deepEqual(await answer(summed, wanted), await answer(plain, wanted))
        assert.deepEqual(await recoveryPoints(summed), await recoveryPoints(plain))
      },
    ),
    { numRuns: 1_000 },
  )
})

function commit(start: number, timeMicroseconds: number): ClockEntry {
  const rest = { end: start + 40, xid: timeMicroseconds, subtransactions: [], name: '' }
  return { kind: 'commit', timeline: 1, start, timeMicroseconds, ...rest }
}

const manyLogs = Array.from({ length: 40 }, (_, log) => [
  commit(log * logBytes + 100, 2 * log + 1),
  commit(log * logBytes + 200, 2 * log + 2),
]).flat()

async function write(archive: MemoryArchive, entries: readonly ClockEntry[]): Promise<void> {
  const writer = new ClockWriter(archive, sampleIdentity)
  await writer.append(entries)
  await writer.close()
}

const nameOf = (log: number): string =>
  `clock/00000001-000000${log.toString(16).toUpperCase().padStart(2, '0')}.clock`

test('a time in a long history is found by reading the files around it', async () => {
  const clock = await writtenClock(manyLogs)
  let batches = 0
  const counted: CommitClock = {
    ...clock,
    entries: async function* (...asked) {
      for await (const entries of clock.entries(...asked)) {
        batches += 1
        yield entries
      }
    },
  }
  const end = 41 * logBytes
  const coverage = [
    { timeline: 1, lineage: [{ timeline: 1, end: Infinity }], ranges: [{ start: 0, end }], gaps: [] },
  ]
  const backup = { id: 'b1', timeline: 1, startLsn: lsnOf(16), endLsn: lsnOf(64) }
  const catalogue = { clock: counted, coverage, ends: new Map(), backups: [backup] }
  const resolved = await resolveTarget(catalogue, { kind: 'time', microseconds: 41 })
  assert.equal(resolved.lsn, lsnOf(20 * logBytes + 200))
  assert.deepEqual(
    [resolved.before, resolved.after].map((some) => some.map(({ xid }) => xid)),
    [
      [39, 40, 41],
      [42, 43, 44],
    ],
  )
  assert.deepEqual([resolved.undoneCommits, resolved.lastUndone?.xid], [39, 80])
  assert.ok(batches < 10, `${batches} of 40 files were read`)
})

test('every file but the last has a summary, also by a writer that begins after the one before it ended', async () => {
  const archive = new MemoryArchive()
  for (let at = 0; at < 12; at += 3) await write(archive, manyLogs.slice(at, at + 3))
  const clock = await openClock(archive, sampleIdentity)
  const summaries = await Promise.all(
    clock.files.map(async (file) => {
      const sizeBytes = archive.files.get(nameOf(file.log))?.content.length ?? 0
      return await readSummary(archive, sampleIdentity, { ...file, sizeBytes })
    }),
  )
  assert.deepEqual(
    summaries.map((summary) => summary?.commits),
    [2, 2, 2, 2, 2, undefined],
  )
  assert.deepEqual(await readClock(archive, sampleIdentity), manyLogs.slice(0, 12))
})

test('a file that is written on behind its summary loses it; a torn one is cut off, and what lies behind is made again', async () => {
  const archive = new MemoryArchive()
  await write(archive, manyLogs.slice(0, 3))
  const late = commit(300, 7)
  await write(archive, [late])
  assert.deepEqual(await readClock(archive, sampleIdentity), [...manyLogs.slice(0, 2), late, manyLogs[2]])
  await write(archive, manyLogs.slice(3, 6))
  const second = archive.files.get(nameOf(1))
  assert.ok(second)
  second.content = second.content.slice(0, -5)
  assert.equal((await readClock(archive, sampleIdentity)).at(-1)?.xid, manyLogs[3]?.xid)
  const writer = new ClockWriter(archive, sampleIdentity)
  assert.equal(await writer.resumeAt(1), manyLogs[3]?.end)
  assert.equal(archive.files.get(nameOf(2))?.content.length, 0)
  await writer.append(manyLogs.slice(4, 6))
  await writer.close()
  assert.equal((await readClock(archive, sampleIdentity)).at(-1)?.xid, manyLogs[5]?.xid)
})
