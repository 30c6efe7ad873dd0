import type { ArchiveReader } from '../ports/recovery-source.ts'
import { joinBytes } from '../protocol/postgres-message.ts'
import { firstRecordAt, scanWal } from '../protocol/wal-scan.ts'
import type { WalRecord } from '../protocol/wal-scan.ts'
import { pageStart } from '../protocol/wal-page.ts'
import { walFolder } from './archive-layout.ts'
import { segmentName, segmentStart } from './wal-position.ts'

export interface WalStretch {
  readonly timeline: number
  readonly segmentBytes: number
  /** A record starts here, or the first one at or after this page when `isAnywhere`. */
  readonly from: number
  readonly isAnywhere?: boolean
  /** Nothing at or after is looked at. */
  readonly until: number
}

export interface ReadStretch {
  /** Go on from here. */
  readonly next: number
  /** `more` at the end of what is there; otherwise what stands there instead of a record. */
  readonly reason: string
  readonly lastStart?: number
}

/** Where segment files lie under the names that an archive gives them. */
export type WalFiles = Pick<ArchiveReader, 'read'>

const windowBytes = 4 << 20
/** A record is at most so long (XLogRecordMaxSize), with its page headers. */
const windowBytesMax = 1100 << 20

/**
 * Reads the records of one timeline from segment files, growing ones included, in order and in bounded memory. Whoever collects what it visits
 * puts it away in `between`, every few megabytes.
 */
export async function readWal(
  archive: WalFiles,
  stretch: WalStretch,
  visit: (record: WalRecord) => void,
  between: () => Promise<void> = async () => undefined,
): Promise<ReadStretch> {
  let next = stretch.from
  let isAnywhere = stretch.isAnywhere === true
  let previous: number | undefined
  let wanted = windowBytes
  for (;;) {
    const start = pageStart(next)
    const length = Math.min(wanted, stretch.until - start)
    const bytes = length <= 0 ? new Uint8Array(0) : await readBytes(archive, stretch, start, length)
    const window = { bytes, start, segmentBytes: stretch.segmentBytes }
    if (isAnywhere) {
      const first = firstRecordAt(window, next)
      if (typeof first === 'string') return { next, reason: first }
      if (first === undefined && bytes.length < wanted) return { next, reason: 'more' }
      if (first === undefined) {
        wanted = Math.min(wanted * 4, windowBytesMax)
        continue
      }
      next = first
      isAnywhere = false
    }
    const scan = scanWal(window, { from: next, ...(previous === undefined ? {} : { previous }) }, visit)
    await between()
    const isStuck = scan.next === next
    next = scan.next
    previous = scan.lastStart ?? previous
    const isEnd = bytes.length < wanted
    if (scan.reason !== 'more' || isEnd || (isStuck && wanted >= windowBytesMax))
      return { next, reason: scan.reason, ...(previous === undefined ? {} : { lastStart: previous }) }
    wanted = isStuck
      ? Math.min(Math.max(wanted * 2, scan.neededBytes + windowBytes), windowBytesMax)
      : windowBytes
  }
}

/** Fewer bytes where a segment is missing. */
async function readBytes(
  archive: WalFiles,
  { timeline, segmentBytes }: WalStretch,
  start: number,
  length: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let at = start
  while (at < start + length) {
    const inSegment = segmentStart(at, segmentBytes)
    const name = segmentName(timeline, at, segmentBytes)
    const size = Math.min(inSegment + segmentBytes, start + length) - at
    const piece = await readEither(archive, name, at - inSegment, size)
    pieces.push(piece)
    at += piece.length
    if (piece.length < size) break
  }
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : joinBytes(pieces)
}

/** The growing file may get its final name between two looks. */
async function readEither(
  archive: WalFiles,
  name: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  for (const file of [name, `${name}.partial`, name]) {
    const bytes = await archive.read(`${walFolder}/${file}`, offset, length)
    if (bytes.length > 0) return bytes
  }
  return new Uint8Array(0)
}
