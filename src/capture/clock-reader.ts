import type { ArchiveReader } from '../ports/recovery-source.ts'
import { clockFolder } from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import {
  clockFileName,
  clockHeaderBytes,
  decodeClockEntries,
  isClockHeader,
  isFileOf,
  parseClockFileName,
} from './commit-clock.ts'
import type { ClockEntry, ClockFileName } from './commit-clock.ts'
import { ClockSumming, decodeSummary, summaryBytes } from './clock-summary.ts'
import type { ClockSummary } from './clock-summary.ts'

/**
 * The commit clock of an archive as far as it was written at one moment. It may hold more than fits into memory, so whoever asks reads it from
 * the files again, a piece at a time.
 */
export interface CommitClock {
  /** One timeline after the other, each in the order of its WAL. */
  readonly files: readonly ClockFileName[]
  /**
   * What the files of a timeline say, in the order of its WAL. Behind a file that is not whole nothing is believed: with a hole in the clock a
   * time would be taken for a later place than it is.
   */
  entries(timeline: number, part?: ClockPart): AsyncIterable<readonly ClockEntry[]>
}

/** Which files are read; what they have outside of `from` and `until` comes as well. */
export interface ClockPart {
  /** Byte offsets: only files that may speak of WAL from the one up to the other. */
  readonly from?: number
  readonly until?: number
  /** Asked of a finished file before it is read: yes passes over it. */
  readonly passes?: (summary: ClockSummary) => boolean
}

export interface SizedClockFile extends ClockFileName {
  readonly sizeBytes: number
}

/** Some 30,000 entries. */
const pieceBytes = 1 << 20

/** So many pieces are kept for the next question: each may have to come from another host. */
const keptPieces = 16

export async function openClock(archive: ArchiveReader, identity: ArchiveIdentity): Promise<CommitClock> {
  const files = await clockFiles(archive)
  const pieces = new KeptPieces(archive)
  return {
    files,
    entries: async function* (
      timeline,
      { from = 0, until = Number.POSITIVE_INFINITY, passes = () => false } = {},
    ) {
      const own = files.filter((file) => file.timeline === timeline)
      for (const file of own) {
        if (!isFileOf(file, from, until)) continue
        // The newest one has no summary.
        const summary = file === own.at(-1) ? undefined : await readSummary(pieces, identity, file)
        if (summary !== undefined && passes(summary)) continue
        const { trueBytes } = yield* readClockFile(pieces, identity, file)
        if (trueBytes < file.sizeBytes) return
      }
    },
  }
}

type FileReader = Pick<ArchiveReader, 'read'>

/** The pieces that were read last. What lies within the size that a file had does not change. */
class KeptPieces implements FileReader {
  readonly #archive: FileReader
  readonly #kept = new Map<string, Uint8Array>()

  constructor(archive: FileReader) {
    this.#archive = archive
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    const key = `${path} ${offset} ${length}`
    const bytes = this.#kept.get(key) ?? (await this.#archive.read(path, offset, length))
    this.#kept.delete(key)
    // Only as many as were asked for are all of them: a file may be cut at any moment.
    if (bytes.length === length && length <= pieceBytes) this.#kept.set(key, bytes)
    const oldest = this.#kept.keys().next().value
    if (this.#kept.size > keptPieces && oldest !== undefined) this.#kept.delete(oldest)
    return bytes
  }
}

/** In the order of their names, with the size that each has now: none grows for who has this list. */
export async function clockFiles(archive: ArchiveReader): Promise<readonly SizedClockFile[]> {
  return [...(await archive.sizes(clockFolder))].flatMap(([name, sizeBytes]) => {
    const file = parseClockFileName(name)
    return file === undefined ? [] : [{ ...file, sizeBytes }]
  })
}

/** The summary that a finished file ends with. */
export async function readSummary(
  archive: FileReader,
  { systemIdentifier }: Pick<ArchiveIdentity, 'systemIdentifier'>,
  file: SizedClockFile,
): Promise<ClockSummary | undefined> {
  const at = file.sizeBytes - summaryBytes
  if (at < clockHeaderBytes) return undefined
  const path = clockPath(file)
  const summary = decodeSummary(await archive.read(path, at, summaryBytes), at)
  if (summary === undefined) return undefined
  const header = await archive.read(path, 0, clockHeaderBytes)
  return isClockHeader(header, file, systemIdentifier) ? summary : undefined
}

export interface ReadClockFile {
  /** Bytes up to the end of the last entry that is true: a writer goes on there. */
  readonly trueBytes: number
  readonly lastEntry?: ClockEntry
  /** As the file itself says it. */
  readonly summary?: ClockSummary
}

/** Yields what a clock file says, up to the first byte that is not true. A torn end is normal; anything more is made again from the WAL. */
export async function* readClockFile(
  archive: FileReader,
  { systemIdentifier }: Pick<ArchiveIdentity, 'systemIdentifier'>,
  file: SizedClockFile,
): AsyncGenerator<readonly ClockEntry[], ReadClockFile> {
  const path = clockPath(file)
  let at = 0
  let wanted = pieceBytes
  let lastEntry: ClockEntry | undefined
  while (at < file.sizeBytes) {
    const length = Math.min(wanted, file.sizeBytes - at)
    const piece = await archive.read(path, at, length)
    if (at === 0 && !isClockHeader(piece, file, systemIdentifier)) break
    const bytes = at === 0 ? piece.subarray(clockHeaderBytes) : piece
    if (at === 0) at = clockHeaderBytes
    const { entries, trueBytes, neededBytes, isSummary } = decodeClockEntries(bytes, file)
    at += trueBytes
    lastEntry = entries.at(-1) ?? lastEntry
    if (entries.length > 0) yield entries
    if (isSummary) {
      const summary = decodeSummary(await archive.read(path, at, summaryBytes), at)
      if (summary !== undefined) return { trueBytes: at + summaryBytes, ...last(lastEntry), summary }
      break
    }
    const isCut = piece.length < length || neededBytes === undefined || at + neededBytes > file.sizeBytes
    if (isCut && at < file.sizeBytes) break
    // A transaction of a million subtransactions is one entry of four megabytes.
    wanted = Math.max(pieceBytes, neededBytes ?? 0)
  }
  return { trueBytes: at, ...last(lastEntry) }
}

function last(lastEntry: ClockEntry | undefined): Pick<ReadClockFile, 'lastEntry'> {
  return lastEntry === undefined ? {} : { lastEntry }
}

/** How far a file is true, and what its entries say together. */
export async function sumClockFile(
  reading: AsyncGenerator<readonly ClockEntry[], ReadClockFile>,
): Promise<ReadClockFile & { readonly summing: ClockSumming }> {
  const summing = new ClockSumming()
  for (;;) {
    const { done, value } = await reading.next()
    if (done === true) return { ...value, summing }
    for (const entry of value) summing.see(entry)
  }
}

export function clockPath(file: ClockFileName): string {
  return `${clockFolder}/${clockFileName(file)}`
}
