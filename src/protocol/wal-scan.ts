import { crc32cSeed, finishCrc32c, updateCrc32c } from './crc32c.ts'
import {
  longPageHeaderBytes,
  pageStart,
  readWalPage,
  shortPageHeaderBytes,
  walPageBytes,
} from './wal-page.ts'
import type { WalPage } from './wal-page.ts'
import { viewOf } from './view-of.ts'

export const recordHeaderBytes = 24
const resourceSwitch = { manager: 0, info: 0x40 } as const
/** XLogRecordMaxSize: what the server itself refuses to write. */
const recordBytesMax = 1020 * 1024 * 1024

/** One record, checked by its CRC-32C. */
export interface WalRecord {
  readonly start: number
  /** Where the next record starts, before the header of a page that begins there. */
  readonly end: number
  readonly previous: number
  readonly xid: number
  /** Resource manager: 0 XLOG, 1 Transaction, 2 Storage, 4 Database, 9 Heap2, 10 Heap. */
  readonly manager: number
  readonly info: number
  /** Header and content: a view where the record lies in one page, and never written to. Most records are looked at without it. */
  readonly bytes: () => Uint8Array
  /** Major version of the server that wrote it. */
  readonly major: number
}

/** A contiguous piece of one timeline's WAL. */
export interface WalWindow {
  readonly bytes: Uint8Array
  /** Position of the first byte: the start of a page. */
  readonly start: number
  readonly segmentBytes: number
}

export interface WalScanOptions {
  /** A position where a record starts, or the page begins before whose first record. */
  readonly from: number
  /** Start of the record before `from`, when it is known: then the chain is checked. */
  readonly previous?: number
}

export interface WalScan {
  /** The first position that was not decoded: go on from here. */
  readonly next: number
  /** The last record before `next`; absent when none was read. */
  readonly lastStart?: number
  /**
   * `more`: the window ends before the record does. Otherwise what stands there instead of a record; zeros are the natural end of
   * a segment that is not full yet.
   */
  readonly reason: string
  /** For `more`: at least so many bytes from `next` on are needed. */
  readonly neededBytes: number
}

/** Hands every whole record of the window to `visit`, in order. Pure but for `visit`; reads no byte outside the window. */
export function scanWal(
  window: WalWindow,
  options: WalScanOptions,
  visit: (record: WalRecord) => void,
): WalScan {
  const cursor = new Cursor(window)
  let next = options.from
  let previous = options.previous
  for (;;) {
    const found = cursor.recordAt(next, previous)
    const last = previous === undefined ? {} : { lastStart: previous }
    if ('reason' in found) return { next, ...last, ...found }
    if ('resumeAt' in found) {
      next = found.resumeAt
      previous = undefined
      continue
    }
    visit(found)
    previous = found.start
    next = found.end
  }
}

/** The first position at or after the page at `from` where a record starts; `undefined` when the window ends before. */
export function firstRecordAt(window: WalWindow, from: number): number | undefined | string {
  const { bytes, start } = window
  for (let at = pageStart(from), left: number | undefined; ; at += walPageBytes) {
    if (at - start + longPageHeaderBytes > bytes.length) return undefined
    const page = readWalPage(bytes, at - start, at)
    if (typeof page === 'string') return page
    left = page.continuedBytes
    if (left <= walPageBytes - page.headerBytes)
      return align(at + page.headerBytes + left) === at + walPageBytes
        ? at + walPageBytes
        : align(at + page.headerBytes + left)
  }
}

interface Stop {
  readonly reason: string
  readonly neededBytes: number
}

type Found = WalRecord | Stop | { readonly resumeAt: number }

interface ReadRecord {
  /** Where it lies in the window: from, to, from, to, one pair a page. */
  readonly pieces: readonly number[]
  readonly totalBytes: number
  readonly start: number
  readonly stop: number
  readonly major: number
}

class Cursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #start: number
  readonly #segmentBytes: number
  #page: { readonly at: number; readonly page: WalPage } | undefined

  constructor({ bytes, start, segmentBytes }: WalWindow) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#start = start
    this.#segmentBytes = segmentBytes
  }

  recordAt(position: number, previous: number | undefined): Found {
    const page = this.#pageAt(pageStart(position))
    if ('reason' in page) return page
    const isFirst = position % walPageBytes === 0
    if (isFirst && page.continuedBytes > 0) return stop('the rest of another record')
    const start = isFirst ? position + page.headerBytes : position
    const offset = start - this.#start
    if (offset + 4 > this.#bytes.length) return more(recordHeaderBytes)
    const totalBytes = this.#view.getUint32(offset, true)
    if (totalBytes === 0) return stop('zeros')
    if (totalBytes < recordHeaderBytes || totalBytes > recordBytesMax)
      return stop(`a record of ${totalBytes} bytes`)
    const room = pageStart(start) + walPageBytes - start
    const { major } = page
    if (totalBytes > room) return this.#spanning({ start, totalBytes, room, major }, previous)
    if (offset + totalBytes > this.#bytes.length) return more(totalBytes)
    const pieces = [offset, offset + totalBytes]
    return this.#checked({ pieces, totalBytes, start, stop: start + totalBytes, major }, previous)
  }

  /** A record that goes on in the pages behind, each of which says how much is left. */
  #spanning(
    record: {
      readonly start: number
      readonly totalBytes: number
      readonly room: number
      readonly major: number
    },
    previous: number | undefined,
  ): Found {
    const { start, totalBytes, room, major } = record
    const offset = start - this.#start
    if (offset + room > this.#bytes.length) return more(totalBytes)
    // What is not a record claims any length: it is found out before the pages behind are waited for.
    if (room >= recordHeaderBytes && previous !== undefined && previousOf(this.#view, offset) !== previous)
      return stop('a record that does not follow the one before')
    const pieces = [offset, offset + room]
    let at = start + room
    for (let left = totalBytes - room; left > 0;) {
      const page = this.#pageAt(at)
      if ('reason' in page) return page.reason === 'more' ? more(totalBytes + 2 * walPageBytes) : page
      if (page.overwritesRecord) return { resumeAt: at }
      if (page.continuedBytes !== left) return stop('a page that continues another record')
      const size = Math.min(left, walPageBytes - page.headerBytes)
      const from = at + page.headerBytes - this.#start
      if (from + size > this.#bytes.length) return more(totalBytes + 2 * walPageBytes)
      pieces.push(from, from + size)
      left -= size
      at += left > 0 ? walPageBytes : page.headerBytes + size
    }
    return this.#checked({ pieces, totalBytes, start, stop: at, major }, previous)
  }

  #checked(read: ReadRecord, previous: number | undefined): Found {
    const { start, pieces } = read
    const [headerFrom, headerTo] = pieces as readonly [number, number]
    // A header may go on in the next page; then it is read from a copy.
    const isHeaderWhole = headerTo - headerFrom >= recordHeaderBytes
    const copy = isHeaderWhole ? undefined : joined(this.#bytes, read)
    const header = copy === undefined ? this.#view : viewOf(copy)
    const at = copy === undefined ? headerFrom : 0
    const sum = copy === undefined ? sumOf(this.#bytes, pieces) : sumOf(copy, [0, read.totalBytes])
    if (sum !== header.getUint32(at + 20, true)) return stop('a record whose checksum is wrong')
    const before = previousOf(header, at)
    if (previous !== undefined && before !== previous)
      return stop('a record that does not follow the one before')
    const info = header.getUint8(at + 16)
    const manager = header.getUint8(at + 17)
    const isSwitch = manager === resourceSwitch.manager && (info & 0xf0) === resourceSwitch.info
    const end = isSwitch ? Math.ceil(read.stop / this.#segmentBytes) * this.#segmentBytes : align(read.stop)
    const xid = header.getUint32(at + 4, true)
    const { major } = read
    const bytes = (): Uint8Array => copy ?? joined(this.#bytes, read)
    return { start, end, previous: before, xid, manager, info, major, bytes }
  }

  #pageAt(at: number): WalPage | Stop {
    if (this.#page?.at === at) return this.#page.page
    const needed = at % this.#segmentBytes === 0 ? longPageHeaderBytes : shortPageHeaderBytes
    if (at - this.#start + needed > this.#bytes.length) return more(needed)
    const page = readWalPage(this.#bytes, at - this.#start, at)
    if (typeof page === 'string') return stop(page)
    if (page.headerBytes !== needed) return stop('a page header of another length')
    if (page.segmentBytes !== undefined && page.segmentBytes !== this.#segmentBytes)
      return stop(`a segment of ${page.segmentBytes} bytes`)
    this.#page = { at, page }
    return page
  }
}

function previousOf(view: DataView, at: number): number {
  return view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * 0x1_0000_0000
}

/** Over the content, and then the header up to the sum itself; the first piece holds the whole header. */
function sumOf(bytes: Uint8Array, pieces: readonly number[]): number {
  const header = pieces[0] as number
  let sum = updateCrc32c(crc32cSeed, bytes, header + recordHeaderBytes, pieces[1])
  for (let index = 2; index < pieces.length; index += 2)
    sum = updateCrc32c(sum, bytes, pieces[index], pieces[index + 1])
  return finishCrc32c(updateCrc32c(sum, bytes, header, header + 20))
}

function stop(reason: string): Stop {
  return { reason, neededBytes: 0 }
}

function more(neededBytes: number): Stop {
  return { reason: 'more', neededBytes }
}

function align(position: number): number {
  return Math.ceil(position / 8) * 8
}

/** A view where the record lies in one page. */
function joined(window: Uint8Array, { pieces, totalBytes }: ReadRecord): Uint8Array {
  if (pieces.length === 2) return window.subarray(pieces[0], pieces[1])
  const bytes = new Uint8Array(totalBytes)
  for (let index = 0, at = 0; index < pieces.length; index += 2) {
    const piece = window.subarray(pieces[index], pieces[index + 1])
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
