import type { ArchiveReader } from '../ports/recovery-source.ts'
import { shortPageHeaderBytes, walPageBytes } from '../protocol/wal-page.ts'
import { joinBytes } from '../protocol/postgres-message.ts'
import { firstRecordAt, scanWal } from '../protocol/wal-scan.ts'
import { listSegments, walFolder } from './archive-layout.ts'
import type { NamedSegment } from './wal-position.ts'

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

/** The end of every timeline in the archive, by timeline. Reads the last two segments of each. */
export async function archiveEnds(
  archive: ArchiveReader,
  segmentBytes: number,
): Promise<ReadonlyMap<number, TimelineEnd>> {
  const byTimeline = Map.groupBy(await listSegments(archive, segmentBytes), ({ timeline }) => timeline)
  const ends = new Map<number, TimelineEnd>()
  for (const [timeline, segments] of byTimeline)
    ends.set(timeline, await timelineEnd(archive, segments, segmentBytes))
  return ends
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
 * anything. The segment before is read too, so that a record that goes over the boundary is checked as a whole.
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
  const together = await endOf(archive, before === undefined ? [last] : [before, last], segmentBytes)
  if (before === undefined || together.end >= last.start) return together
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
  const length = new DataView(field.buffer, field.byteOffset).getUint32(0, true)
  const headers = Math.floor((end - 1) / walPageBytes) - Math.floor(at / walPageBytes)
  return length > end - at - headers * shortPageHeaderBytes
}

/** A growing one that was received to its end since it was listed has its final name. */
async function contentOf(
  archive: ArchiveReader,
  { name, isPartial }: NamedSegment,
  segmentBytes: number,
): Promise<Uint8Array> {
  const content = await archive.read(`${walFolder}/${name}`, 0, segmentBytes)
  if (content.length > 0 || !isPartial) return content
  return await archive.read(`${walFolder}/${name.replace('.partial', '')}`, 0, segmentBytes)
}

async function endOf(
  archive: ArchiveReader,
  segments: readonly NamedSegment[],
  segmentBytes: number,
): Promise<TimelineEnd> {
  const first = segments[0] as NamedSegment
  const last = segments.at(-1) as NamedSegment
  const pieces = await Promise.all(segments.map((segment) => contentOf(archive, segment, segmentBytes)))
  const window = { bytes: joinBytes(pieces), start: first.start, segmentBytes }
  const { timeline } = last
  const lastEnd = last.start + segmentBytes
  const from = firstRecordAt(window, first.start)
  if (typeof from !== 'number') {
    const receivedTo = last.isPartial ? last.start : lastEnd
    return { timeline, end: last.start, reason: from ?? 'more', receivedTo }
  }
  const scan = scanWal(window, { from }, () => undefined)
  // A full segment may end in the middle of a record.
  const isFull = !last.isPartial && scan.reason === 'more'
  return {
    timeline,
    end: isFull ? lastEnd : scan.next,
    ...(scan.lastStart === undefined ? {} : { lastRecord: scan.lastStart }),
    reason: isFull ? 'full' : scan.reason,
    receivedTo: last.isPartial ? Math.max(scan.next, last.start) : lastEnd,
  }
}
