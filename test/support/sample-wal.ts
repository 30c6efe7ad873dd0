import { WalLayout } from './wal-layout.ts'

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
  /** The segment is ended before the commit with this index. */
  readonly endSegmentBefore?: number
}

const postgresEpochMicroseconds = 946_684_800_000_000
const firstCommitMicroseconds = 1_795_000_000_000_000

/** WAL as PostgreSQL 15 lays it out: for each transaction a record of work and its commit, a second after the one before. */
export function sampleWal(options: SampleWalOptions): SampleWal {
  const { timeline = 1, start, commits: count, workBytes, seed = 0 } = options
  const bytes = new Uint8Array(
    Math.ceil((count * (workBytes + 200)) / sampleSegmentBytes + 1) * sampleSegmentBytes,
  )
  const layout = new WalLayout(bytes, {
    timeline,
    start,
    segmentBytes: sampleSegmentBytes,
    system: sampleSystem,
  })
  const commits: SampleCommit[] = []
  for (let index = 0; index < count; index++) {
    const xid = 700 + index
    if (index === options.endSegmentBefore) layout.endSegment()
    layout.put({ xid, manager: 10, main: new Uint8Array(workBytes).fill(index + seed + 1) })
    const timeMicroseconds = firstCommitMicroseconds + index * 1_000_000
    const main = new Uint8Array(8)
    new DataView(main.buffer).setBigInt64(0, BigInt(timeMicroseconds - postgresEpochMicroseconds), true)
    commits.push({ start: layout.put({ xid, manager: 1, main }), xid, timeMicroseconds })
  }
  return { bytes, start, end: layout.end, commits }
}
