import { crc32c } from '../protocol/crc32c.ts'
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

export interface ReadClock {
  readonly entries: readonly ClockEntry[]
  /** Bytes up to the end of the last entry that is true: a writer goes on there. */
  readonly trueBytes: number
}

/** Reads a clock file up to the first byte that is not true. A torn end is normal; anything more is made again from the WAL. */
export function decodeClockFile(bytes: Uint8Array, file: ClockFileName, systemIdentifier: string): ReadClock {
  const header = encodeClockHeader(file, systemIdentifier)
  if (Buffer.compare(bytes.subarray(0, clockHeaderBytes), header) !== 0) return { entries: [], trueBytes: 0 }
  const view = viewOf(bytes)
  const entries: ClockEntry[] = []
  let at = clockHeaderBytes
  while (at + fixedBytes + crcBytes <= bytes.length) {
    const length = view.getUint32(at, true)
    if (length < fixedBytes + crcBytes || at + length > bytes.length) break
    const sum = view.getUint32(at + length - crcBytes, true)
    if (crc32c(bytes.subarray(at, at + length - crcBytes)) !== sum) break
    entries.push(decodeEntry(viewOf(bytes.subarray(at, at + length)), file))
    at += length
  }
  return { entries, trueBytes: at }
}

function decodeEntry(view: DataView, { timeline, log }: ClockFileName): ClockEntry {
  const nameBytes = view.getUint8(5)
  const namesAt = view.byteLength - crcBytes - nameBytes
  const start = log * logBytes + view.getUint32(8, true)
  const subtransactions: number[] = []
  for (let at = fixedBytes; at < namesAt; at += 4) subtransactions.push(view.getUint32(at, true))
  return {
    kind: kinds[view.getUint8(4) - 1] ?? 'alive',
    timeline,
    start,
    end: start + view.getUint32(12, true),
    xid: view.getUint32(24, true),
    timeMicroseconds: Number(view.getBigInt64(16, true)),
    subtransactions,
    name: new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + namesAt, nameBytes)),
  }
}
