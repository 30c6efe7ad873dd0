import { crc32cSeed, finishCrc32c, updateCrc32c } from '../../src/protocol/crc32c.ts'
import { longPageHeaderBytes, shortPageHeaderBytes, walPageBytes } from '../../src/protocol/wal-page.ts'

export const sampleSystem = '7450123456789012345'
export const sampleSegmentBytes = 1 << 20

export interface SampleCommit {
  readonly start: number
  readonly xid: number
  readonly timeMicroseconds: number
}

export interface SampleWal {
  /** Whole segments; zeros behind `end`. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly commits: readonly SampleCommit[]
}

export interface SampleWalOptions {
  readonly timeline?: number
  /** The start of a segment. */
  readonly start: number
  readonly commits: number
  /** Of a record before each commit. */
  readonly workBytes: number
  /** WAL of another history differs from here on. */
  readonly seed?: number
}

const postgresEpochMicroseconds = 946_684_800_000_000
const firstCommitMicroseconds = 1_795_000_000_000_000

/** WAL as PostgreSQL 15 lays it out: for each transaction a record of work and its commit, a second after the one before. */
export function sampleWal(options: SampleWalOptions): SampleWal {
  const { timeline = 1, start, commits: count, workBytes, seed = 0 } = options
  const bytes = new Uint8Array(
    Math.ceil((count * (workBytes + 200)) / sampleSegmentBytes + 1) * sampleSegmentBytes,
  )
  const view = new DataView(bytes.buffer)
  const commits: SampleCommit[] = []
  let at = 0
  let previous = 0
  const header = (left: number): void => {
    const isLong = at % sampleSegmentBytes === 0
    view.setUint16(at, 0xd110, true)
    view.setUint16(at + 2, (isLong ? 2 : 0) | (left > 0 ? 1 : 0), true)
    view.setUint32(at + 4, timeline, true)
    view.setBigUint64(at + 8, BigInt(start + at), true)
    view.setUint32(at + 16, left, true)
    if (isLong) {
      view.setBigUint64(at + 24, BigInt(sampleSystem), true)
      view.setUint32(at + 32, sampleSegmentBytes, true)
      view.setUint32(at + 36, walPageBytes, true)
    }
    at += isLong ? longPageHeaderBytes : shortPageHeaderBytes
  }
  const put = (record: Uint8Array): number => {
    if (at % walPageBytes === 0) header(0)
    const began = at
    for (let done = 0; done < record.length;) {
      if (at % walPageBytes === 0) header(record.length - done)
      const room = Math.min(walPageBytes - (at % walPageBytes), record.length - done)
      bytes.set(record.subarray(done, done + room), at)
      done += room
      at += room
    }
    at = Math.ceil(at / 8) * 8
    previous = start + began
    return start + began
  }
  for (let index = 0; index < count; index++) {
    const xid = 700 + index
    put(recordOf({ xid, manager: 10, previous, main: new Uint8Array(workBytes).fill(index + seed + 1) }))
    const timeMicroseconds = firstCommitMicroseconds + index * 1_000_000
    const main = new Uint8Array(8)
    new DataView(main.buffer).setBigInt64(0, BigInt(timeMicroseconds - postgresEpochMicroseconds), true)
    commits.push({ start: put(recordOf({ xid, manager: 1, previous, main })), xid, timeMicroseconds })
  }
  return { bytes, start, end: start + at, commits }
}

interface RecordParts {
  readonly xid: number
  readonly manager: number
  readonly previous: number
  readonly main: Uint8Array
}

function recordOf({ xid, manager, previous, main }: RecordParts): Uint8Array {
  const record = new Uint8Array(24 + 5 + main.length)
  const view = new DataView(record.buffer)
  view.setUint32(0, record.length, true)
  view.setUint32(4, xid, true)
  view.setBigUint64(8, BigInt(previous), true)
  view.setUint8(17, manager)
  view.setUint8(24, 254)
  view.setUint32(25, main.length, true)
  record.set(main, 29)
  const sum = updateCrc32c(updateCrc32c(crc32cSeed, record, 24), record, 0, 20)
  view.setUint32(20, finishCrc32c(sum), true)
  return record
}
