import { crc32c, crc32cSeed, finishCrc32c, updateCrc32c } from '../protocol/crc32c.ts'
import type { RestorePoint, TransactionEnd } from '../protocol/transaction-record.ts'
import { hex8 } from './wal-position.ts'
import { viewOf } from '../protocol/view-of.ts'

/** One line of the commit clock: where in the WAL of which timeline what happened when. Positions are byte offsets. */
export interface ClockEntry {
  /**
   * `alive`: the server had no more WAL than this at that time, so nothing was committed unseen until then. `database-drop`: the files of a
   * database are removed here, before its transaction is committed.
   */
  readonly kind: TransactionEnd['kind'] | RestorePoint['kind'] | 'alive' | 'database-drop'
  readonly timeline: number
  /** Start of the record: the LSN that pg_waldump prints. */
  readonly start: number
  /** Start of the next one. */
  readonly end: number
  /** 0 where there is none. */
  readonly xid: number
  /** The server's clock, microseconds since 1970. Not in order: clocks step, and commits overtake each other. 0 where there is none. */
  readonly timeMicroseconds: number
  readonly subtransactions: readonly number[]
  /** Of a restore point. */
  readonly name: string
}

/**
 * A clock file holds the entries of one timeline whose records start in one 4 GiB stretch of WAL (one "log"). It only grows, and all of it
 * can be made again from the WAL.
 */
export interface ClockFileName {
  readonly timeline: number
  readonly log: number
}

const logBytes = 0x1_0000_0000
const magic = 'PZCLOCK1'
export const clockHeaderBytes = 32
const fixedBytes = 28
const crcBytes = 4
/** Of the summary that a file ends with (clock-summary.ts). */
export const summaryKind = 255
const kinds = [
  'commit',
  'abort',
  'prepare',
  'commit-prepared',
  'abort-prepared',
  'restore-point',
  'alive',
  'database-drop',
] as const

export function clockFileName({ timeline, log }: ClockFileName): string {
  return `${hex8(timeline)}-${hex8(log)}.clock`
}

export function parseClockFileName(name: string): ClockFileName | undefined {
  const [, timeline, log] = /^([0-9A-F]{8})-([0-9A-F]{8})\.clock$/.exec(name) ?? []
  if (timeline === undefined || log === undefined) return undefined
  return { timeline: Number.parseInt(timeline, 16), log: Number.parseInt(log, 16) }
}

export function clockFileOf({ timeline, start }: Pick<ClockEntry, 'timeline' | 'start'>): ClockFileName {
  return { timeline, log: Math.floor(start / logBytes) }
}

/** Where the stretch of WAL begins that a file speaks of. */
export function clockFileStart({ log }: Pick<ClockFileName, 'log'>): number {
  return log * logBytes
}

/** Whether a file may speak of WAL from the one byte offset up to the other. */
export function isFileOf(file: Pick<ClockFileName, 'log'>, from: number, until: number): boolean {
  return clockFileStart(file) < until && clockFileStart({ log: file.log + 1 }) > from
}

export function encodeClockHeader({ timeline, log }: ClockFileName, systemIdentifier: string): Uint8Array {
  const bytes = new Uint8Array(clockHeaderBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(magic))
  view.setBigUint64(8, BigInt(systemIdentifier), true)
  view.setUint32(16, timeline, true)
  view.setUint32(20, log, true)
  view.setUint32(28, crc32c(bytes.subarray(0, 28)), true)
  return bytes
}

export function encodeClockEntry(entry: ClockEntry): Uint8Array {
  const name = new TextEncoder().encode(entry.name)
  const bytes = new Uint8Array(fixedBytes + entry.subtransactions.length * 4 + name.length + crcBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setUint8(4, kinds.indexOf(entry.kind) + 1)
  view.setUint8(5, name.length)
  view.setUint32(8, entry.start % logBytes, true)
  view.setUint32(12, entry.end - entry.start, true)
  view.setBigInt64(16, BigInt(entry.timeMicroseconds), true)
  view.setUint32(24, entry.xid, true)
  for (const [index, xid] of entry.subtransactions.entries())
    view.setUint32(fixedBytes + index * 4, xid, true)
  bytes.set(name, bytes.length - crcBytes - name.length)
  view.setUint32(bytes.length - crcBytes, crc32c(bytes.subarray(0, -crcBytes)), true)
  return bytes
}

export function isClockHeader(bytes: Uint8Array, file: ClockFileName, systemIdentifier: string): boolean {
  const header = encodeClockHeader(file, systemIdentifier)
  return Buffer.compare(bytes.subarray(0, clockHeaderBytes), header) === 0
}

export interface DecodedClock {
  readonly entries: readonly ClockEntry[]
  /** Bytes up to the end of the last entry that is true. */
  readonly trueBytes: number
  /** Behind the entries the summary of the file begins. */
  readonly isSummary: boolean
  /** So many are needed for the next entry, when there are too few; absent when what stands there is none. */
  readonly neededBytes?: number
}

/** Decodes entries up to the first byte that is not true. */
export function decodeClockEntries(bytes: Uint8Array, file: ClockFileName): DecodedClock {
  const view = viewOf(bytes)
  const entries: ClockEntry[] = []
  let at = 0
  while (at + fixedBytes + crcBytes <= bytes.length) {
    const length = view.getUint32(at, true)
    if (length < fixedBytes + crcBytes) return { entries, trueBytes: at, isSummary: false }
    if (view.getUint8(at + 4) === summaryKind) return { entries, trueBytes: at, isSummary: true }
    if (at + length > bytes.length) return { entries, trueBytes: at, isSummary: false, neededBytes: length }
    const sumAt = at + length - crcBytes
    if (finishCrc32c(updateCrc32c(crc32cSeed, bytes, at, sumAt)) !== view.getUint32(sumAt, true))
      return { entries, trueBytes: at, isSummary: false }
    entries.push(decodeEntry(view, at, sumAt, file))
    at += length
  }
  return { entries, trueBytes: at, isSummary: false, neededBytes: fixedBytes + crcBytes }
}

const none: readonly number[] = []

function decodeEntry(view: DataView, at: number, sumAt: number, file: ClockFileName): ClockEntry {
  const nameBytes = view.getUint8(at + 5)
  const start = clockFileStart(file) + view.getUint32(at + 8, true)
  return {
    kind: kinds[view.getUint8(at + 4) - 1] ?? 'alive',
    timeline: file.timeline,
    start,
    end: start + view.getUint32(at + 12, true),
    xid: view.getUint32(at + 24, true),
    timeMicroseconds: view.getUint32(at + 16, true) + view.getInt32(at + 20, true) * 0x1_0000_0000,
    subtransactions: subtransactionsAt(view, at + fixedBytes, sumAt - nameBytes),
    name: nameBytes === 0 ? '' : nameAt(view, sumAt - nameBytes, nameBytes),
  }
}

function subtransactionsAt(view: DataView, from: number, until: number): readonly number[] {
  if (from >= until) return none
  const xids: number[] = []
  for (let at = from; at < until; at += 4) xids.push(view.getUint32(at, true))
  return xids
}

function nameAt(view: DataView, at: number, length: number): string {
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, length))
}

export function isCommit({ kind }: ClockEntry): boolean {
  return kind === 'commit' || kind === 'commit-prepared'
}
