import type { LineageCoverage } from '../capture/archive-coverage.ts'
import { firstEntry, lastEntry } from '../capture/clock-history.ts'
import type { CommitClock } from '../capture/clock-reader.ts'
import { loadRelationNames } from '../capture/relation-names.ts'
import { SuspicionFinder } from '../capture/suspicious-transactions.ts'
import type { SuspiciousTransaction } from '../capture/suspicious-transactions.ts'
import { timelineStart } from '../capture/timeline-lineage.ts'
import { positionOf, segmentStart } from '../capture/wal-position.ts'
import { readWal } from '../capture/wal-reader.ts'
import { isLsn } from '../domain/lsn.ts'
import { lsnOption, parseCount, parseInstant } from './archive-options.ts'
import type { CorruptionOptions } from './commands/corruption.ts'
import { chosenArchive } from './copies/estate-archive.ts'
import { loadArchive } from './load-archive.ts'
import { suspicionText } from './render/points-text.ts'
import { microsecondText } from './render/clock-json.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'

/** A transaction that began this much WAL before the range is still counted whole. */
const lookBackSegments = 16

/** Reads the WAL between two points once, and lists what took much away. */
export async function findCorruption(terminal: Terminal, options: CorruptionOptions): Promise<void> {
  const minRows = parseCount(options.rows, 'the number of rows')
  const chosen = await chosenArchive(terminal, options)
  const loaded = await loadArchive(chosen.archive, { backups: () => [], verify: false })
  const { archive, identity, catalogue } = loaded
  const wanted = options.timeline === undefined ? undefined : parseCount(options.timeline, 'the timeline')
  const coverage = catalogue.coverage.findLast(({ timeline }) => wanted === undefined || timeline === wanted)
  if (coverage === undefined || coverage.lineage.length === 0)
    throw usageError('the archive has no such timeline', 'see `pointzero points`')
  const from = await lowerBound(options.from, catalogue.clock, coverage)
  const to = await upperBound(options.to, catalogue.clock, coverage)
  const finder = new SuspicionFinder(minRows, await loadRelationNames(archive))
  const { segmentBytes } = identity
  for (const { start, end } of coverage.ranges) {
    const begin = Math.max(segmentStart(from, segmentBytes) - lookBackSegments * segmentBytes, start)
    for (const part of coverage.lineage) {
      const first = Math.max(begin, timelineStart(part.timeline, coverage.lineage))
      const until = Math.min(to, end, part.end)
      const isAnywhere = first === begin
      if (first < until)
        await readWal(
          archive,
          { timeline: part.timeline, segmentBytes, from: first, isAnywhere, until },
          (record) => finder.see(record),
        )
    }
  }
  const found = finder.found.filter(({ commitLsn }) => {
    const at = positionOf(lsnOption(commitLsn))
    return at >= from && at < to
  })
  if (options.json === true) terminal.write(`${JSON.stringify({ transactions: found.map(suspicionJson) })}\n`)
  else terminal.write(suspicionText(found))
}

/** The first commit, in the order of the WAL, that is not before the time: what lies before it is not looked at. */
async function lowerBound(text: string, clock: CommitClock, { lineage }: LineageCoverage): Promise<number> {
  if (isLsn(text)) return positionOf(lsnOption(text))
  const microseconds = parseInstant(text)
  const first = await firstEntry(clock, lineage, (entry) => entry.timeMicroseconds >= microseconds, {
    passes: ({ latestMicroseconds }) => latestMicroseconds < microseconds,
  })
  if (first !== undefined) return first.start
  return (await lastEntry(clock, lineage, () => true))?.end ?? 0
}

/** After the last one that is not after the time. */
async function upperBound(
  text: string | undefined,
  clock: CommitClock,
  { lineage }: LineageCoverage,
): Promise<number> {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (isLsn(text)) return positionOf(lsnOption(text))
  const microseconds = parseInstant(text)
  const last = await lastEntry(clock, lineage, (entry) => entry.timeMicroseconds <= microseconds, {
    passes: ({ earliestMicroseconds }) => earliestMicroseconds > microseconds,
  })
  return last?.end ?? 0
}

function suspicionJson({ timeMicroseconds, relation, ...rest }: SuspiciousTransaction) {
  return {
    ...rest,
    time: microsecondText(timeMicroseconds),
    timeMicroseconds: String(timeMicroseconds),
    relation: { ...relation },
  }
}
