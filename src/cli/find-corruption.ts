import { loadRelationNames } from '../capture/relation-names.ts'
import { SuspicionFinder } from '../capture/suspicious-transactions.ts'
import type { SuspiciousTransaction } from '../capture/suspicious-transactions.ts'
import { endOfTime, startOfTime } from '../capture/time-range.ts'
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
  const { clock } = catalogue
  const { lineage } = coverage
  const from = await place(options.from, async (at) => await startOfTime(clock, lineage, at))
  const to =
    options.to === undefined
      ? Number.POSITIVE_INFINITY
      : await place(options.to, async (at) => await endOfTime(clock, lineage, at))
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

/** A place in the WAL as it is, a time as what the commit clock makes of it. */
async function place(text: string, ofTime: (microseconds: number) => Promise<number>): Promise<number> {
  return isLsn(text) ? positionOf(lsnOption(text)) : await ofTime(parseInstant(text))
}

function suspicionJson({ timeMicroseconds, relation, ...rest }: SuspiciousTransaction) {
  return {
    ...rest,
    time: microsecondText(timeMicroseconds),
    timeMicroseconds: String(timeMicroseconds),
    relation: { ...relation },
  }
}
