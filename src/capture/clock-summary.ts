import { crc32c } from '../protocol/crc32c.ts'
import { viewOf } from '../protocol/view-of.ts'
import { isCommit, summaryKind } from './commit-clock.ts'
import type { ClockEntry } from './commit-clock.ts'

/**
 * What all entries of one clock file say together: who looks for something knows by it that the file need not be read. A finished file ends
 * with it; the newest one of a timeline has none. Positions are byte offsets, times microseconds since 1970.
 */
export interface ClockSummary {
  /** Of the records: the first and the last that begin in this stretch of WAL, and where the last one ends. */
  readonly firstStart: number
  readonly lastStart: number
  readonly lastEnd: number
  readonly commits: number
  /** Of the first and the last commit, in the order of the WAL; 0 without one. */
  readonly firstCommitMicroseconds: number
  readonly lastCommitMicroseconds: number
  /** Of all entries that have a time; Infinity and -Infinity without one. So with the xids. */
  readonly earliestMicroseconds: number
  readonly latestMicroseconds: number
  /** Of transactions and subtransactions. */
  readonly lowestXid: number
  readonly highestXid: number
  readonly restorePoints: number
  readonly databaseDrops: number
}

const fields = [
  'firstStart',
  'lastStart',
  'lastEnd',
  'commits',
  'firstCommitMicroseconds',
  'lastCommitMicroseconds',
  'earliestMicroseconds',
  'latestMicroseconds',
  'lowestXid',
  'highestXid',
  'restorePoints',
  'databaseDrops',
] as const satisfies readonly (keyof ClockSummary)[]

const fieldsAt = 16
export const summaryBytes = fieldsAt + fields.length * 8 + 4

/** `at`: where in its file it lies, which is how much it speaks of. */
export function encodeSummary(summary: ClockSummary, at: number): Uint8Array {
  const bytes = new Uint8Array(summaryBytes)
  const view = viewOf(bytes)
  view.setUint32(0, summaryBytes, true)
  view.setUint8(4, summaryKind)
  view.setFloat64(8, at, true)
  for (const [index, field] of fields.entries()) view.setFloat64(fieldsAt + index * 8, summary[field], true)
  view.setUint32(summaryBytes - 4, crc32c(bytes.subarray(0, -4)), true)
  return bytes
}

/** `undefined` when the bytes are not the one that lies there. */
export function decodeSummary(bytes: Uint8Array, at: number): ClockSummary | undefined {
  if (bytes.length !== summaryBytes) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(0, true) !== summaryBytes || view.getUint8(4) !== summaryKind) return undefined
  if (view.getFloat64(8, true) !== at) return undefined
  if (crc32c(bytes.subarray(0, -4)) !== view.getUint32(summaryBytes - 4, true)) return undefined
  const values = fields.map((field, index) => [field, view.getFloat64(fieldsAt + index * 8, true)])
  return Object.fromEntries(values) as ClockSummary
}

/** Takes the entries of one file in their order. */
export class ClockSumming {
  #sum: { -readonly [Field in keyof ClockSummary]: ClockSummary[Field] } | undefined

  see(entry: ClockEntry): void {
    const { kind, start, end, xid, timeMicroseconds, subtransactions } = entry
    const sum = (this.#sum ??= emptySum(start))
    sum.lastStart = start
    sum.lastEnd = end
    if (isCommit(entry)) {
      if (sum.commits === 0) sum.firstCommitMicroseconds = timeMicroseconds
      sum.lastCommitMicroseconds = timeMicroseconds
      sum.commits += 1
    }
    if (kind === 'restore-point') sum.restorePoints += 1
    if (kind === 'database-drop') sum.databaseDrops += 1
    else {
      sum.earliestMicroseconds = Math.min(sum.earliestMicroseconds, timeMicroseconds)
      sum.latestMicroseconds = Math.max(sum.latestMicroseconds, timeMicroseconds)
    }
    if (xid !== 0) includeXid(sum, xid)
    for (const one of subtransactions) includeXid(sum, one)
  }

  /** `undefined` as long as nothing was seen. */
  summary(): ClockSummary | undefined {
    return this.#sum
  }
}

function emptySum(start: number) {
  return {
    ...{ firstStart: start, lastStart: start, lastEnd: start, commits: 0 },
    ...{ firstCommitMicroseconds: 0, lastCommitMicroseconds: 0 },
    ...{ earliestMicroseconds: Number.POSITIVE_INFINITY, latestMicroseconds: Number.NEGATIVE_INFINITY },
    ...{ lowestXid: Number.POSITIVE_INFINITY, highestXid: Number.NEGATIVE_INFINITY },
    ...{ restorePoints: 0, databaseDrops: 0 },
  }
}

function includeXid(sum: { lowestXid: number; highestXid: number }, xid: number): void {
  sum.lowestXid = Math.min(sum.lowestXid, xid)
  sum.highestXid = Math.max(sum.highestXid, xid)
}
