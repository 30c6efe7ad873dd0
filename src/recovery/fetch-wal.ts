import { createHash } from 'node:crypto'
import { walFolder } from '../capture/archive-layout.ts'
import type { LedgerEntry } from '../capture/archive-ledger.ts'
import type { LineagePart } from '../capture/timeline-lineage.ts'
import { timelineStart } from '../capture/timeline-lineage.ts'
import { historyName, segmentName, segmentStart } from '../capture/wal-position.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
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

/** The whole segment, compared with the ledger. One that still grows is filled up with zeros, which is how WAL ends. */
export async function fetchSegment(copies: ReadCopies, name: string): Promise<Uint8Array> {
  const { archive, identity, ledger } = copies
  const entry = ledgerEntryOf(ledger, name)
  const whole = await archive.sizeOf(`${walFolder}/${name}`)
  const file = whole === undefined ? `${name}.partial` : name
  const content = await readAll(copies, `${walFolder}/${file}`, whole ?? identity.segmentBytes)
  if (content.length === 0) throw damaged(file, 'it is missing')
  if (entry !== undefined) requireDigest(file, content, entry)
  else if (whole !== undefined) throw damaged(file, 'the ledger does not know it')
  if (content.length === identity.segmentBytes) return content
  const full = new Uint8Array(identity.segmentBytes)
  full.set(content)
  return full
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

async function readAll({ archive }: ReadCopies, path: string, length: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < length;) {
    const piece = await archive.read(path, at, Math.min(readBytes, length - at))
    if (piece.length === 0) break
    pieces.push(piece)
    at += piece.length
  }
  return new Uint8Array(Buffer.concat(pieces))
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
