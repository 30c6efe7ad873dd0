import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { formats } from '../domain/format.ts'
import { digest } from './digest.ts'
import type { RunEvent, RunRecord, RunStatus } from './run-event.ts'

/** What the chain of a run starts from. */
export const chainStart = '0'.repeat(64)

/** Value of `runs/<run>/head`: written with every append, so that a cut tail shows. */
export interface RunHead {
  readonly seq: number
  readonly hash: string
  readonly status: 'open' | 'paused' | RunStatus
}

export interface RecordFields {
  readonly run: string
  readonly seq: number
  readonly prev: string
  readonly atMs: number
  readonly writer: string
  readonly event: RunEvent
}

export function createRecord(fields: RecordFields): RunRecord {
  const { atMs, event, prev, run, seq, writer } = fields
  // In the order of canonical JSON, as the events are: written and hashed several times, and cheaper so.
  const { runJournal: format } = formats
  const hash = digest({ atMs, event, format, prev, run, seq, writer })
  return { atMs, event, format, hash, prev, run, seq, writer }
}

export type JournalVerdict =
  | { readonly intact: true; readonly records: readonly RunRecord[] }
  | {
      readonly intact: false
      /** The first record that can not be trusted. */
      readonly seq: number
      readonly reason: 'format' | 'run' | 'seq' | 'prev' | 'hash' | 'truncated' | 'head'
      readonly message: string
    }

/**
 * Judges the stored texts of a run's records, in order. `head` is the stored text of the head; without it a cut tail can not be
 * told from a journal that ends there. `verified` are the records of the first texts, judged before and not changed since.
 */
export function verifyJournal(
  run: string,
  texts: readonly string[],
  head?: string,
  verified: readonly RunRecord[] = [],
): JournalVerdict {
  const records: RunRecord[] = [...verified]
  let prev = verified.at(-1)?.hash ?? chainStart
  for (let seq = verified.length; seq < texts.length; seq += 1) {
    const text = texts[seq] as string
    const record = parseCanonical(text) as Partial<RunRecord> | undefined
    const reason = record === undefined ? 'format' : problemOf(record, run, seq, prev)
    if (record === undefined || reason !== undefined) return broken(seq, reason ?? 'format')
    records.push(record as RunRecord)
    prev = record.hash as string
  }
  const problem = head === undefined ? undefined : headProblem(head, records)
  return problem ?? { intact: true, records }
}

function problemOf(record: Partial<RunRecord>, run: string, seq: number, prev: string): Reason | undefined {
  if (record.format !== formats.runJournal) return 'format'
  const { hash, ...content } = record
  if (hash !== digest(content)) return 'hash'
  if (record.run !== run) return 'run'
  if (record.seq !== seq) return 'seq'
  return record.prev === prev ? undefined : 'prev'
}

type Reason = (JournalVerdict & { intact: false })['reason']

function headProblem(text: string, records: readonly RunRecord[]): JournalVerdict | undefined {
  const head = parseCanonical(text) as Partial<RunHead> | undefined
  const last = records.length - 1
  if (!Number.isSafeInteger(head?.seq) || typeof head?.hash !== 'string') return broken(last, 'head')
  if ((head.seq as number) > last) return broken(records.length, 'truncated')
  return head.seq === last && head.hash === records[last]?.hash ? undefined : broken(last, 'head')
}

/** Undefined unless the text is exactly the canonical JSON of an object: `\u001F` for `\u001f` is a changed byte too. */
function parseCanonical(text: string): Readonly<Record<string, Json>> | undefined {
  try {
    const value = JSON.parse(text) as Json
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return canonicalJson(value) === text ? (value as Readonly<Record<string, Json>>) : undefined
  } catch {
    // Not JSON, or not what canonical JSON carries: either way not what was written.
    return undefined
  }
}

const meanings: Readonly<Record<Reason, string>> = {
  format: 'is not a record of a known format',
  run: 'belongs to another run',
  seq: 'does not carry its own number: a record is missing or out of place',
  prev: 'does not follow the record before it',
  hash: 'has other content than its hash covers',
  truncated: 'is missing: the head says that the journal is longer',
  head: 'is not what the head names as the last one',
}

function broken(seq: number, reason: Reason): JournalVerdict {
  return { intact: false, seq, reason, message: `record ${seq} ${meanings[reason]}` }
}
