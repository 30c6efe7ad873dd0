import { createHash } from 'node:crypto'
import { walFolder } from '../capture/archive-layout.ts'
import type { LedgerEntry } from '../capture/archive-ledger.ts'
import { loadLedger } from '../capture/ledger-writer.ts'
import type { LineagePart } from '../capture/timeline-lineage.ts'
import { timelineStart } from '../capture/timeline-lineage.ts'
import { historyName, segmentName, segmentStart } from '../capture/wal-position.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ArchiveReader } from '../ports/recovery-source.ts'
import type { ReadCopies } from './read-copies.ts'

/**
 * The name of every segment of the history in the range. Where a timeline began in one, its own: it repeats what its ancestor wrote there, and
 * PostgreSQL asks for it first (XLogFileReadAnyTLI).
 */
export function neededSegments(
  lineage: readonly LineagePart[],
  range: { readonly from: number; readonly until: number },
  segmentBytes: number,
): readonly string[] {
  const needed = new Map<number, string>()
  for (const { timeline, end } of lineage) {
    const begin = segmentStart(timelineStart(timeline, lineage), segmentBytes)
    const first = Math.max(begin, segmentStart(range.from, segmentBytes))
    const until = Math.min(end, range.until)
    for (let start = first; start < until; start += segmentBytes)
      needed.set(start, segmentName(timeline, start, segmentBytes))
  }
  return [...needed.values()]
}

export interface FetchedSegment {
  readonly content: Uint8Array
  /** False for what the ledger, which is written behind the receiver, does not list yet: only the checksums of its records prove it. */
  readonly isListed: boolean
}

/**
 * The whole segment, compared with the ledger as it is now: the archive may go on receiving. One that still grows is filled up with zeros, which
 * is how WAL ends.
 */
export async function fetchSegment(copies: ReadCopies, name: string): Promise<FetchedSegment> {
  const { archive, identity } = copies
  const content = new Uint8Array(identity.segmentBytes)
  const isWhole = async (): Promise<boolean> => (await archive.sizeOf(`${walFolder}/${name}`)) !== undefined
  let file = (await isWhole()) ? name : `${name}.partial`
  let bytes = await readInto(content, archive, file)
  if (file !== name && (await isWhole())) {
    // It was received to its end while it was read.
    file = name
    bytes = await readInto(content, archive, file)
  }
  if (bytes === 0) throw damaged(file, 'it is missing')
  const entry =
    ledgerEntryOf(copies.ledger, name) ?? (file === name ? await listedNow(archive, name) : undefined)
  if (entry !== undefined) requireDigest(file, content.subarray(0, bytes), entry)
  else if (file === name && bytes !== content.length)
    throw damaged(file, `${bytes} of ${content.length} bytes are there`)
  return { content, isListed: entry !== undefined }
}

/** Nothing when the ledger lists neither this segment nor a later one of its timeline: then it was received a moment ago. */
async function listedNow(archive: ArchiveReader, name: string): Promise<SizedEntry | undefined> {
  const { entries } = await loadLedger(archive)
  const entry = ledgerEntryOf(entries, name)
  const isBehind = (one: LedgerEntry): boolean =>
    one.kind === 'segment' && one.segment.slice(0, 8) === name.slice(0, 8) && one.segment > name
  if (entry === undefined && entries.some(isBehind))
    throw damaged(name, 'the ledger does not know it, and knows later ones')
  return entry
}

/** Every history file of the archive by its name, whichever history it belongs to: a new timeline gets a number above all of them. */
export function historyFiles({ histories }: ReadCopies): ReadonlyMap<string, Uint8Array> {
  const encoder = new TextEncoder()
  return new Map([...histories].map(([timeline, text]) => [historyName(timeline), encoder.encode(text)]))
}

type SizedEntry = Extract<LedgerEntry, { readonly kind: 'segment' | 'tail' }>

function ledgerEntryOf(ledger: readonly LedgerEntry[], name: string): SizedEntry | undefined {
  const found = ledger.filter(
    (entry): entry is SizedEntry =>
      (entry.kind === 'segment' || entry.kind === 'tail') && entry.segment === name,
  )
  return found.find(({ kind }) => kind === 'segment') ?? found.at(-1)
}

function requireDigest(file: string, content: Uint8Array, { bytes, sha256, kind }: SizedEntry): void {
  const found = createHash('sha256').update(content.subarray(0, bytes)).digest('hex')
  if (content.length >= bytes && found === sha256) return
  // A tail that was left and grew again is listed anew when it is whole.
  const what = kind === 'tail' ? 'its beginning is another one than was listed' : 'its digest is another one'
  throw damaged(file, content.length < bytes ? `${content.length} of ${bytes} bytes are there` : what)
}

const readBytes = 4 << 20

/** How many bytes the file had, at most as many as there is room for. */
async function readInto(room: Uint8Array, archive: ArchiveReader, file: string): Promise<number> {
  let at = 0
  while (at < room.length) {
    const piece = await archive.read(`${walFolder}/${file}`, at, Math.min(readBytes, room.length - at))
    if (piece.length === 0) break
    room.set(piece, at)
    at += piece.length
  }
  return at
}

function damaged(file: string, why: string): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_WAL_DAMAGED',
    class: 'refused',
    message: `${file} of the archive can not be used: ${why}; nothing was started`,
    hint: 'bring it back from another copy, or take an earlier point: `pointzero points --verify`',
    context: { file },
  })
}
