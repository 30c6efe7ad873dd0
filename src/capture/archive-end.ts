import type { ArchiveReader } from '../ports/recovery-source.ts'
import { parseLsn } from '../domain/lsn.ts'
import { pageStart, shortPageHeaderBytes, walPageBytes } from '../protocol/wal-page.ts'
import { firstRecordAt, scanWal } from '../protocol/wal-scan.ts'
import { listSegments, walFolder } from './archive-layout.ts'
import type { LedgerEntry, TailEntry } from './archive-ledger.ts'
import { inGroups } from './in-groups.ts'
import { positionOf } from './wal-position.ts'
import type { NamedSegment } from './wal-position.ts'
import { readWal } from './wal-reader.ts'
import { viewOf } from '../protocol/view-of.ts'

/** How far a timeline goes in the archive, as its records prove. */
export interface TimelineEnd {
  readonly timeline: number
  /** After the last record that is whole and true. */
  readonly end: number
  /** Start of that record: what recovery can be told to stop after. Absent when the last segment holds none. */
  readonly lastRecord?: number
  /** Why nothing is believed after `end`: `zeros` is how a segment that is not full ends. */
  readonly reason: string
  /** What was received before a restart and is not received again: whole segments by their name, the growing one by its records. */
  readonly receivedTo: number
}

/** Of a segment that grows no more, as much before its end is read: its last records are in it, unless they are longer. */
const lastLookBytes = 256 << 10
/** Of a timeline that was left, which there may be hundreds of. */
const leftLookBytes = [16 << 10, lastLookBytes] as const

/**
 * The end of every timeline in the archive, by timeline. Reads the last segment of each and the end of the one before, but of timelines that
 * the ledger says were left only the last records: every recovery and every failover leaves one more, and reading them all whole is what would
 * make each recovery slower than the one before. Without entries none is taken for left, as the one who writes the archive must.
 */
export async function archiveEnds(
  archive: ArchiveReader,
  segmentBytes: number,
  entries: readonly LedgerEntry[] = [],
): Promise<ReadonlyMap<number, TimelineEnd>> {
  const byTimeline = [
    ...Map.groupBy(await listSegments(archive, segmentBytes), ({ timeline }) => timeline).values(),
  ]
  const tails = tailsByFile(entries)
  const left = await inGroups(byTimeline, async (segments) => {
    const tail = tails.get((segments.at(-1) as NamedSegment).name)
    for (const lookBytes of tail === undefined ? [] : leftLookBytes) {
      const end = await leftEnd(archive, tail as TailEntry, segmentBytes, lookBytes)
      if (end !== undefined) return end
    }
    return undefined
  })
  const ends = new Map<number, TimelineEnd>()
  // One after the other: each holds a few megabytes of it.
  for (const [index, segments] of byTimeline.entries()) {
    const end = left[index] ?? (await timelineEnd(archive, segments, segmentBytes))
    ends.set(end.timeline, end)
  }
  return ends
}

function tailsByFile(entries: readonly LedgerEntry[]): ReadonlyMap<string, TailEntry> {
  return new Map(
    entries.flatMap((entry) => (entry.kind === 'tail' ? [[`${entry.segment}.partial`, entry] as const] : [])),
  )
}

/** Nothing when its last records do not end where the ledger says: it grew again, or it is damaged. */
async function leftEnd(
  archive: ArchiveReader,
  { segment, timeline, firstLsn, endLsn }: TailEntry,
  segmentBytes: number,
  lookBytes: number,
): Promise<TimelineEnd | undefined> {
  const first = positionOf(parseLsn(firstLsn))
  const end = positionOf(parseLsn(endLsn))
  const start = Math.max(first, pageStart(end - lookBytes))
  const length = end + walPageBytes - start
  const bytes = await archive.read(`${walFolder}/${segment}.partial`, start - first, length)
  const window = { bytes, start, segmentBytes }
  const from = firstRecordAt(window, start)
  if (typeof from !== 'number') return undefined
  const { next, lastStart, reason } = scanWal(window, { from }, () => undefined)
  const mayGoOn = reason === 'more' && bytes.length === length
  if (next !== end || lastStart === undefined || mayGoOn) return undefined
  return { timeline, end, lastRecord: lastStart, reason, receivedTo: end }
}

/** As `archiveEnds`, for one growing segment that may not be the last of its timeline: a hole may follow it. */
export async function partialEnd(
  archive: ArchiveReader,
  segments: readonly NamedSegment[],
  partial: NamedSegment,
  segmentBytes: number,
): Promise<TimelineEnd> {
  const upTo = segments.filter(
    ({ timeline, start }) => timeline === partial.timeline && start <= partial.start,
  )
  return timelineEnd(archive, upTo, segmentBytes)
}

/**
 * A segment that was received to its end has its final name. The growing one is read record by record: after a power cut its tail may be
 * anything. The end of the segment before is read too, so that a record that goes over the boundary is checked as a whole.
 */
async function timelineEnd(
  archive: ArchiveReader,
  segments: readonly NamedSegment[],
  segmentBytes: number,
): Promise<TimelineEnd> {
  const last = segments.at(-1) as NamedSegment
  const before = segments.findLast(
    ({ start, isPartial }) => start === last.start - segmentBytes && !isPartial,
  )
  if (before === undefined) return await endOf(archive, [last], segmentBytes)
  const short = await endOf(archive, [before, last], segmentBytes, lastLookBytes)
  if (short.end >= last.start && short.lastRecord !== undefined) return short
  // Damaged, or it ended early (pg_switch_wal), or a record longer than the look goes over the boundary.
  const together = await endOf(archive, [before, last], segmentBytes)
  if (together.end >= last.start) return together
  if (last.isPartial && (await reachesInto(archive, before, together.end, segmentBytes)))
    return { ...together, receivedTo: last.start }
  // The one before is damaged: that is for `verify` to say, and no reason to receive the last one again.
  const alone = await endOf(archive, [last], segmentBytes)
  return { ...together, receivedTo: alone.receivedTo }
}

/**
 * Whether the record that is not whole goes over the end of the segment. Then it is the growing one that is torn: a power cut may leave a later
 * sector and take an earlier one, and what lies behind the torn part proves nothing about it.
 */
async function reachesInto(
  archive: ArchiveReader,
  before: NamedSegment,
  record: number,
  segmentBytes: number,
): Promise<boolean> {
  const end = before.start + segmentBytes
  const at = record % walPageBytes === 0 ? record + shortPageHeaderBytes : record
  const field = await archive.read(`${walFolder}/${before.name}`, at - before.start, 4)
  if (field.length < 4) return true
  const length = viewOf(field).getUint32(0, true)
  const headers = Math.floor((end - 1) / walPageBytes) - Math.floor(at / walPageBytes)
  return length > end - at - headers * shortPageHeaderBytes
}

/** `lookBytes`: only so much of the end of the first of two segments is looked at. */
async function endOf(
  archive: ArchiveReader,
  segments: readonly [NamedSegment, NamedSegment?],
  segmentBytes: number,
  lookBytes = segmentBytes,
): Promise<TimelineEnd> {
  const [first, second] = segments
  const last = second ?? first
  const { timeline } = last
  const lastEnd = last.start + segmentBytes
  const from = first.start + segmentBytes - Math.min(lookBytes, segmentBytes)
  const stretch = { timeline, segmentBytes, from, isAnywhere: true, until: lastEnd }
  const read = await readWal(archive, stretch, () => undefined)
  if (read.next === from) {
    const receivedTo = last.isPartial ? last.start : lastEnd
    return { timeline, end: last.start, reason: read.reason, receivedTo }
  }
  // A full segment may end in the middle of a record.
  const isFull = !last.isPartial && read.reason === 'more'
  return {
    timeline,
    end: isFull ? lastEnd : read.next,
    ...(read.lastStart === undefined ? {} : { lastRecord: read.lastStart }),
    reason: isFull ? 'full' : read.reason,
    receivedTo: last.isPartial ? Math.max(read.next, last.start) : lastEnd,
  }
}
