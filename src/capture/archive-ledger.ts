import { createHash } from 'node:crypto'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { parsed } from './archive-layout.ts'

/** A whole segment is in the archive: from now on it counts. */
export interface SegmentEntry {
  readonly kind: 'segment'
  readonly segment: string
  readonly timeline: number
  readonly firstLsn: string
  /** After the last byte. */
  readonly endLsn: string
  readonly bytes: number
  readonly sha256: string
}

/** The history file of a timeline is in the archive. */
export interface HistoryEntry {
  readonly kind: 'history'
  readonly timeline: number
  readonly bytes: number
  readonly sha256: string
}

/** The last, unfinished segment of a timeline that was left; `bytes` and `sha256` are of what is true in it. */
export interface TailEntry {
  readonly kind: 'tail'
  readonly segment: string
  readonly timeline: number
  readonly firstLsn: string
  readonly endLsn: string
  readonly bytes: number
  readonly sha256: string
}

/** Other content was offered under a name that exists. It was not taken, and is kept as `path`. */
export interface ConflictEntry {
  readonly kind: 'conflict'
  readonly segment: string
  readonly lsn: string
  readonly path: string
  readonly sha256: string
}

/** The server threw away WAL that was not received. */
export interface GapEntry {
  readonly kind: 'gap'
  readonly timeline: number
  readonly firstLsn: string
  readonly endLsn: string
}

export type LedgerContent = SegmentEntry | HistoryEntry | TailEntry | ConflictEntry | GapEntry

export type LedgerEntry = LedgerContent & {
  readonly sequence: number
  /** When it was written: wall clock, milliseconds since 1970. */
  readonly atMs: number
  readonly systemIdentifier: string
  /** Digest of the entry before; zeros for the first. */
  readonly previous: string
  /** SHA-256 of this entry's canonical JSON without this member. */
  readonly digest: string
}

export const firstPrevious = '0'.repeat(64)

/** Where a ledger ends: what the next entry is chained to. */
export interface LedgerHead {
  readonly sequence: number
  readonly digest: string
}

export interface LedgerStamp {
  readonly atMs: number
  readonly systemIdentifier: string
}

/** The line of the next entry, with its newline. */
export function nextLine(
  head: LedgerHead | undefined,
  content: LedgerContent,
  stamp: LedgerStamp,
): { readonly line: string; readonly entry: LedgerEntry } {
  const body = {
    ...content,
    ...stamp,
    sequence: head === undefined ? 0 : head.sequence + 1,
    previous: head?.digest ?? firstPrevious,
  }
  const entry = { ...body, digest: digestOf(body) }
  return { line: `${canonicalJson(entry)}\n`, entry }
}

export interface LedgerDefect {
  /** 1 is the first line. */
  readonly line: number
  readonly what: string
}

export interface ReadLedger {
  /** Up to the first defect: what comes after it is believed by nobody. */
  readonly entries: readonly LedgerEntry[]
  readonly defects: readonly LedgerDefect[]
  /** An append that a crash cut short begins at this byte. Not a defect: it was never promised. */
  readonly unfinishedAt?: number
}

const sectorBytes = 512

/** Reads a whole ledger and checks form, order and chain. `anchor` is a head that was noted elsewhere: a ledger cut before it is short. */
export function readLedger(bytes: Uint8Array, anchor?: LedgerHead): ReadLedger {
  const entries: LedgerEntry[] = []
  const defects: LedgerDefect[] = []
  let head: LedgerHead | undefined
  let at = 0
  let line = 0
  let unfinishedAt: number | undefined
  while (at < bytes.length) {
    line += 1
    const newline = bytes.indexOf(0x0a, at)
    const end = newline < 0 ? bytes.length : newline
    const entry = newline < 0 ? undefined : checkedEntry(bytes.subarray(at, end), head)
    if (entry === undefined || typeof entry === 'string') {
      const isLast = end + 1 >= bytes.length
      if (isLast && isTorn(bytes, at, newline, head)) unfinishedAt = at
      else
        defects.push({
          line,
          what: entry ?? 'the last line has no end, and no write that broke off leaves that',
        })
      break
    }
    entries.push(entry)
    head = { sequence: entry.sequence, digest: entry.digest }
    at = end + 1
  }
  if (anchor !== undefined && defects.length === 0) defects.push(...anchorDefects(entries, anchor))
  return { entries, defects, ...(unfinishedAt === undefined ? {} : { unfinishedAt }) }
}

/**
 * A write that broke off leaves a beginning of its line, then nothing or zeros; or whole sectors of zeros anywhere. A line that has its end
 * and no such zeros was written whole, and was changed afterwards.
 */
function isTorn(bytes: Uint8Array, from: number, newline: number, head: LedgerHead | undefined): boolean {
  if (newline < 0) {
    const firstZero = bytes.indexOf(0, from)
    const text = bytes.subarray(from, firstZero < 0 ? bytes.length : firstZero)
    const restIsZero = firstZero < 0 || bytes.subarray(firstZero).every((byte) => byte === 0)
    // A whole entry with another byte in place of its newline is no beginning of a line.
    const isChanged = typeof checkedEntry(text.subarray(0, -1), head) !== 'string'
    return restIsZero && looksLikeLine(text) && !isChanged
  }
  for (let at = from; at <= newline; at++) {
    if (bytes[at] !== 0) continue
    let end = at
    while (bytes[end] === 0) end++
    if (at % sectorBytes === 0 || end % sectorBytes === 0) return true
    at = end
  }
  return false
}

/** Every line begins alike, because its members are in order. */
function looksLikeLine(text: Uint8Array): boolean {
  const start = '{"atMs":'
  const found = new TextDecoder().decode(text.subarray(0, start.length))
  return start.startsWith(found)
}

/** The entry, or what is wrong with it. */
function checkedEntry(bytes: Uint8Array, head: LedgerHead | undefined): LedgerEntry | string {
  const text = new TextDecoder().decode(bytes)
  const entry = parsed(text) as LedgerEntry | undefined | null
  if (entry === undefined || entry === null || typeof entry !== 'object') return 'not an entry'
  const { digest, ...body } = entry
  if (typeof digest !== 'string' || !isCanonical(entry, text) || digest !== digestOf(body))
    return 'its content is not what was written: the digest differs'
  const expected = head === undefined ? 0 : head.sequence + 1
  if (entry.sequence !== expected) return `entry ${expected} is missing: this is ${entry.sequence}`
  if (entry.previous !== (head?.digest ?? firstPrevious))
    return 'it follows another entry than the one before it'
  return entry
}

function isCanonical(entry: LedgerEntry, text: string): boolean {
  try {
    return canonicalJson(entry as unknown as Json) === text
  } catch {
    // A number that no entry holds.
    return false
  }
}

function anchorDefects(entries: readonly LedgerEntry[], anchor: LedgerHead): readonly LedgerDefect[] {
  const found = entries[anchor.sequence]
  if (found?.digest === anchor.digest) return []
  const what =
    found === undefined
      ? `it ends before entry ${anchor.sequence}, which was seen: its end is gone`
      : `entry ${anchor.sequence} is another one than was seen`
  return [{ line: anchor.sequence + 1, what }]
}

function digestOf(body: Json): string {
  try {
    return createHash('sha256').update(canonicalJson(body)).digest('hex')
  } catch {
    // Not canonical, so nobody wrote it with a digest.
    return ''
  }
}
