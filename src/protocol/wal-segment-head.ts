import { RecoveryError } from '../domain/recovery-error.ts'
import { lsnFromBigint, lsnToBigint } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'
import { viewOf } from './view-of.ts'

/** The long page header that each WAL segment begins with. */
export const walSegmentHeadBytes = 40

export const walSegmentName = /^pg_wal\/([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/

export interface ReceivedSegment {
  readonly head: Uint8Array
  readonly sizeBytes: number
}

/**
 * WAL is not in the manifest, and PostgreSQL takes a zero-filled or foreign segment for the natural end of the log and starts
 * with rows missing. So each segment from `start` to `end` has to be there, whole, and say itself that it is the one.
 * The bytes after the first page are for recovery's own checksums.
 */
export function checkWalSegments(
  segments: ReadonlyMap<string, ReceivedSegment>,
  wanted: { readonly start: Lsn; readonly end: Lsn; readonly systemIdentifier: string },
): void {
  const first = segments.values().next().value
  if (first === undefined) throw walIncomplete('there is none')
  const segmentBytes = BigInt(headView(first.head).getUint32(32, true))
  if (segmentBytes < 1024n * 1024n || (segmentBytes & (segmentBytes - 1n)) !== 0n) {
    throw walIncomplete(`a segment size of ${segmentBytes} bytes`)
  }
  const byNumber = new Map(
    [...segments].map(([path, segment]) => [numberOf(path, segmentBytes), { path, segment }]),
  )
  const last = (lsnToBigint(wanted.end) - 1n) / segmentBytes
  for (let number = lsnToBigint(wanted.start) / segmentBytes; number <= last; number++) {
    const found = byNumber.get(number)
    if (found === undefined)
      throw walIncomplete(`the segment with ${lsnFromBigint(number * segmentBytes)} is missing`)
    const view = headView(found.segment.head)
    const isItself =
      BigInt(found.segment.sizeBytes) === segmentBytes &&
      view.getUint16(0, true) !== 0 &&
      view.getBigUint64(8, true) === number * segmentBytes &&
      view.getBigUint64(24, true) === BigInt(wanted.systemIdentifier) &&
      BigInt(view.getUint32(32, true)) === segmentBytes
    if (!isItself) throw walIncomplete(`${found.path} is zero-filled, truncated or another one`)
  }
}

function headView(head: Uint8Array): DataView {
  if (head.length < walSegmentHeadBytes) throw walIncomplete('a segment is truncated')
  return viewOf(head)
}

function numberOf(path: string, segmentBytes: bigint): bigint {
  const [, , log = '0', segment = '0'] = walSegmentName.exec(path) ?? []
  return BigInt(`0x${log}`) * (0x1_0000_0000n / segmentBytes) + BigInt(`0x${segment}`)
}

function walIncomplete(what: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_CLONE_WAL_INCOMPLETE',
    class: 'permanent',
    message: `the copy has not the WAL that it needs to start: ${what}`,
    hint: 'free a replication slot (`select * from pg_replication_slots`) or raise wal_keep_size, then take the copy again',
  })
}
