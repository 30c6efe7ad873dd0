import { lsnFromBigint } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'

/**
 * One record of a simulated write-ahead log. Records are made once, by a primary, and shared by every member that holds them: two
 * logs agree up to a record exactly when they hold the same object. `previous` is the prev-link that replay checks; receiving
 * does not check it, as in the real server.
 */
export interface WalRecord {
  /** Position after the record, in bytes. */
  readonly lsn: number
  readonly timeline: number
  /** The transaction that it commits; 0 for checkpoints, switches, ends of recovery. */
  readonly transaction: number
  readonly previous: WalRecord | undefined
  /** Where the sequence of the database stands after it: every commit takes the next value. */
  readonly sequence: number
}

export interface TimelineStart {
  readonly timeline: number
  readonly lsn: number
}

/** Where a fresh cluster's log begins. */
export const firstLsn = 0x300_0028

const recordBytes = 0x100

/** `raisedTo`: no value up to there is given any more. */
export function nextRecord(
  wal: readonly WalRecord[],
  timeline: number,
  transaction: number,
  raisedTo = 0,
): WalRecord {
  const previous = wal.at(-1)
  const sequence = Math.max(previous?.sequence ?? 0, raisedTo) + (transaction > 0 ? 1 : 0)
  return { lsn: (previous?.lsn ?? firstLsn) + recordBytes, timeline, transaction, previous, sequence }
}

export function endOf(wal: readonly WalRecord[]): number {
  return wal.at(-1)?.lsn ?? firstLsn
}

export function lsnText(position: number): Lsn {
  return lsnFromBigint(BigInt(position))
}

/** Number of records from `from` on whose prev-links fit: where replay gets to. */
export function replayableUpTo(wal: readonly WalRecord[], from: number): number {
  let index = from
  while (index < wal.length && wal[index]?.previous === wal[index - 1]) index += 1
  return index
}

/** Index of the first record after a position. */
export function indexAfter(wal: readonly WalRecord[], position: number): number {
  let index = wal.length
  while (index > 0 && (wal[index - 1] as WalRecord).lsn > position) index -= 1
  return index
}
