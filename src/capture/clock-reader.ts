import type { ArchiveReader } from '../ports/recovery-source.ts'
import { clockFolder } from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import {
  clockFileName,
  clockFileStart,
  clockHeaderBytes,
  decodeClockEntries,
  isClockHeader,
  parseClockFileName,
} from './commit-clock.ts'
import type { ClockEntry, ClockFileName } from './commit-clock.ts'
import { inGroups } from './in-groups.ts'

/**
 * The commit clock of an archive as far as it was written at one moment. It may hold more than fits into memory, so whoever asks reads it from
 * the files again, a piece at a time.
 */
export interface CommitClock {
  /** One timeline after the other, each in the order of its WAL. */
  readonly files: readonly ClockFileName[]
  /**
   * What the files of a timeline say in the order of its WAL, beginning with the file that `from` lies in: what is in there before `from` comes
   * as well. Behind a file that is not whole nothing is believed: with a hole in the clock a time would be taken for a later place than it is.
   */
  entries(timeline: number, from?: number): AsyncIterable<readonly ClockEntry[]>
}

export interface SizedClockFile extends ClockFileName {
  readonly sizeBytes: number
}

/** Some 30,000 entries. */
const pieceBytes = 1 << 20

export async function openClock(archive: ArchiveReader, identity: ArchiveIdentity): Promise<CommitClock> {
  const files = await clockFiles(archive)
  return {
    files,
    entries: async function* (timeline, from = 0) {
      for (const file of files) {
        if (file.timeline !== timeline || clockFileStart({ ...file, log: file.log + 1 }) <= from) continue
        const { trueBytes } = yield* readClockFile(archive, identity, file)
        if (trueBytes < file.sizeBytes) return
      }
    },
  }
}

/** In the order of their names, with the size that each has now: none grows for who has this list. */
export async function clockFiles(archive: ArchiveReader): Promise<readonly SizedClockFile[]> {
  const files = (await archive.list(clockFolder)).flatMap((name) => parseClockFileName(name) ?? [])
  return await inGroups(files, async (file) => {
    return { ...file, sizeBytes: (await archive.sizeOf(pathOf(file))) ?? 0 }
  })
}

export interface ReadClockFile {
  /** Bytes up to the end of the last entry that is true: a writer goes on there. */
  readonly trueBytes: number
  readonly lastEntry?: ClockEntry
}

/** Yields what a clock file says, up to the first byte that is not true. A torn end is normal; anything more is made again from the WAL. */
export async function* readClockFile(
  archive: ArchiveReader,
  { systemIdentifier }: Pick<ArchiveIdentity, 'systemIdentifier'>,
  file: SizedClockFile,
): AsyncGenerator<readonly ClockEntry[], ReadClockFile> {
  const path = pathOf(file)
  const header = await archive.read(path, 0, clockHeaderBytes)
  if (!isClockHeader(header, file, systemIdentifier)) return { trueBytes: 0 }
  let at = clockHeaderBytes
  let wanted = pieceBytes
  let lastEntry: ClockEntry | undefined
  while (at < file.sizeBytes) {
    const length = Math.min(wanted, file.sizeBytes - at)
    const bytes = await archive.read(path, at, length)
    const { entries, trueBytes, neededBytes } = decodeClockEntries(bytes, file)
    at += trueBytes
    lastEntry = entries.at(-1) ?? lastEntry
    if (entries.length > 0) yield entries
    const isCut = bytes.length < length || neededBytes === undefined || at + neededBytes > file.sizeBytes
    if (isCut && at < file.sizeBytes) break
    // A transaction of a million subtransactions is one entry of four megabytes.
    wanted = Math.max(pieceBytes, neededBytes ?? 0)
  }
  return { trueBytes: at, ...(lastEntry === undefined ? {} : { lastEntry }) }
}

/** Only how far a file is true. */
export async function readToEnd(
  reading: AsyncGenerator<readonly ClockEntry[], ReadClockFile>,
): Promise<ReadClockFile> {
  for (;;) {
    const { done, value } = await reading.next()
    if (done === true) return value
  }
}

function pathOf(file: ClockFileName): string {
  return `${clockFolder}/${clockFileName(file)}`
}
