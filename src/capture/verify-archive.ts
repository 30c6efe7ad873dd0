import type { ArchiveReader } from '../ports/recovery-source.ts'
import { listSegments, walFolder } from './archive-layout.ts'
import type { LedgerEntry } from './archive-ledger.ts'
import { digestOf } from './file-digest.ts'
import { inGroups } from './in-groups.ts'
import { historyName } from './wal-position.ts'

/** One file of the archive is not what the ledger says. */
export interface ArchiveDefect {
  /** Name of the segment, history or clock file; `FORMAT`. */
  readonly file: string
  readonly problem: 'missing' | 'truncated' | 'zero-filled' | 'altered' | 'unlisted'
  readonly detail: string
}

/**
 * Compares every file with the ledger: its size, and with `readContent` its digest. Names all that differ, and whole segments that the
 * ledger does not know.
 */
export async function verifyArchive(
  archive: ArchiveReader,
  segmentBytes: number,
  entries: readonly LedgerEntry[],
  readContent = true,
): Promise<readonly ArchiveDefect[]> {
  const known = new Set<string>()
  const whole = new Set(entries.flatMap((entry) => (entry.kind === 'segment' ? [entry.segment] : [])))
  const files = entries.flatMap((entry) => {
    const file = fileOf(entry)
    // A tail that grew to a whole segment after all has another name now.
    if (file === undefined || (entry.kind === 'tail' && whole.has(entry.segment))) return []
    known.add(file)
    return [{ file, wanted: entry as Extract<LedgerEntry, { readonly bytes: number }> }]
  })
  const sizes = await archive.sizes(walFolder)
  // Content is read one after the other: it is long.
  const found = await inGroups(
    files,
    async ({ file, wanted }) => verifyFile(archive, file, { ...wanted, size: sizes.get(file) }, readContent),
    readContent ? 1 : undefined,
  )
  const defects = found.filter((defect) => defect !== undefined)
  for (const { name, isPartial } of await listSegments(archive, segmentBytes))
    if (!isPartial && !known.has(name))
      defects.push({ file: name, problem: 'unlisted', detail: 'the ledger does not know it' })
  return defects
}

/** Without whole segments that the ledger does not know yet: the receiver is ahead of it. */
export function listed(defects: readonly ArchiveDefect[]): readonly ArchiveDefect[] {
  return defects.filter(({ problem }) => problem !== 'unlisted')
}

function fileOf(entry: LedgerEntry): string | undefined {
  if (entry.kind === 'segment') return entry.segment
  if (entry.kind === 'tail') return `${entry.segment}.partial`
  return entry.kind === 'history' ? historyName(entry.timeline) : undefined
}

async function verifyFile(
  archive: ArchiveReader,
  file: string,
  wanted: { readonly bytes: number; readonly sha256: string; readonly size: number | undefined },
  readContent: boolean,
): Promise<ArchiveDefect | undefined> {
  const path = `${walFolder}/${file}`
  // What was not listed may have got its name meanwhile.
  const size = wanted.size ?? (await archive.sizeOf(path))
  if (size === undefined) return { file, problem: 'missing', detail: 'there is no such file' }
  if (size < wanted.bytes)
    return { file, problem: 'truncated', detail: `${size} of ${wanted.bytes} bytes are there` }
  // A history decides what is replayed, and is short.
  const isHistory = file.endsWith('.history')
  // A growing segment is made as long as a whole one, whatever of it was written.
  const isSized = size === wanted.bytes || file.endsWith('.partial')
  if (!readContent && !isHistory && isSized) return undefined
  if (isSized) {
    const { sha256, isZeros } = await digestOf(archive, path, wanted.bytes)
    if (sha256 === wanted.sha256) return undefined
    if (isZeros) return { file, problem: 'zero-filled', detail: 'it holds only zeros' }
  }
  return { file, problem: 'altered', detail: 'its digest is another one' }
}
