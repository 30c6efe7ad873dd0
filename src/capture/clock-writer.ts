import type { ArchiveDirectory, ArchiveFile } from '../ports/archive-directory.ts'
import type { ArchiveReader } from '../ports/recovery-source.ts'
import type { WalRecord } from '../protocol/wal-scan.ts'
import { transactionEvent } from '../protocol/transaction-record.ts'
import { clockFolder } from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import {
  clockFileName,
  clockFileOf,
  decodeClockFile,
  encodeClockEntry,
  encodeClockHeader,
  parseClockFileName,
} from './commit-clock.ts'
import type { ClockEntry, ClockFileName, ReadClock } from './commit-clock.ts'
import { databaseDropEntry } from './database-drop.ts'
import { inGroups } from './in-groups.ts'

/**
 * Entries of the commit clock in the order of the WAL, one timeline after the other. Behind a file that is not whole nothing of its timeline is
 * believed: with a hole in the clock a time would be taken for a later place than it is.
 */
export async function readClock(
  archive: ArchiveReader,
  { systemIdentifier }: ArchiveIdentity,
): Promise<readonly ClockEntry[]> {
  const entries: ClockEntry[] = []
  const ended = new Set<number>()
  const files = (await archive.list(clockFolder)).flatMap((name) => parseClockFileName(name) ?? [])
  const clocks = await inGroups(files, async (file) => readClockFile(archive, file, systemIdentifier))
  for (const [index, { timeline }] of files.entries()) {
    if (ended.has(timeline)) continue
    const { entries: inFile, trueBytes, sizeBytes } = clocks[index] as ReadClockFile
    if (trueBytes < sizeBytes) ended.add(timeline)
    // One by one: a file may hold more entries than a call takes arguments.
    for (const entry of inFile) entries.push(entry)
  }
  return entries
}

/** Appends to the clock files of one archive. Nothing in them is acknowledged to anybody: they are made again when they are damaged. */
export class ClockWriter {
  readonly #archive: ArchiveDirectory
  readonly #systemIdentifier: string
  #open: { readonly name: string; readonly file: ArchiveFile; size: number } | undefined

  constructor(archive: ArchiveDirectory, systemIdentifier: string) {
    this.#archive = archive
    this.#systemIdentifier = systemIdentifier
  }

  /** Where decoding of a timeline goes on: after its last true entry. What is not true behind it is cut off. */
  async resumeAt(timeline: number): Promise<number | undefined> {
    const files = (await this.#archive.list(clockFolder)).flatMap((name) => parseClockFileName(name) ?? [])
    let resume: number | undefined
    for (const file of files.filter((one) => one.timeline === timeline)) {
      const { entries, trueBytes } = await readClockFile(this.#archive, file, this.#systemIdentifier)
      const isDamaged = await this.#cut(file, trueBytes)
      resume = entries.at(-1)?.end ?? resume
      // What follows a damaged file is in no order any more: it is made again from here.
      if (isDamaged) {
        await this.#emptyAfter(files, file)
        break
      }
    }
    return resume
  }

  async append(entries: readonly ClockEntry[]): Promise<void> {
    let pending: Uint8Array[] = []
    for (const entry of entries) {
      const file = clockFileOf(entry)
      if (this.#open?.name !== clockFileName(file)) {
        await this.#write(pending)
        pending = []
        await this.#switchTo(file)
      }
      pending.push(encodeClockEntry(entry))
    }
    await this.#write(pending)
  }

  async sync(): Promise<void> {
    await this.#open?.file.sync()
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    try {
      await open?.file.sync()
    } finally {
      await open?.file.close()
    }
  }

  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#open === undefined || pieces.length === 0) return
    const bytes = new Uint8Array(Buffer.concat(pieces))
    await this.#open.file.write(this.#open.size, bytes)
    this.#open.size += bytes.length
  }

  async #switchTo(file: ClockFileName): Promise<void> {
    await this.close()
    const name = clockFileName(file)
    const handle = await this.#archive.open(`${clockFolder}/${name}`)
    try {
      let size = await handle.size()
      if (size === 0) {
        const header = encodeClockHeader(file, this.#systemIdentifier)
        await handle.write(0, header)
        size = header.length
        await this.#archive.syncFolder(clockFolder)
      }
      this.#open = { name, file: handle, size }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async #emptyAfter(files: readonly ClockFileName[], damaged: ClockFileName): Promise<void> {
    for (const file of files) {
      if (file.timeline === damaged.timeline && file.log > damaged.log) await this.#cut(file, 0)
    }
  }

  /** True when there was something behind `bytes`. */
  async #cut(file: ClockFileName, bytes: number): Promise<boolean> {
    const handle = await this.#archive.open(`${clockFolder}/${clockFileName(file)}`)
    try {
      const isLonger = (await handle.size()) !== bytes
      if (isLonger) await handle.resize(bytes)
      return isLonger
    } finally {
      await handle.close()
    }
  }
}

export function clockEntryOf(timeline: number, record: WalRecord): ClockEntry | undefined {
  const event = transactionEvent(record)
  if (event === undefined) return databaseDropEntry(timeline, record)
  const { start, end } = record
  const base = { kind: event.kind, timeline, start, end, timeMicroseconds: event.timeMicroseconds }
  return event.kind === 'restore-point'
    ? { ...base, xid: 0, subtransactions: [], name: event.name }
    : { ...base, xid: event.xid, subtransactions: event.subtransactions, name: '' }
}

interface ReadClockFile extends ReadClock {
  readonly sizeBytes: number
}

export async function readClockFile(
  archive: ArchiveReader,
  file: ClockFileName,
  systemIdentifier: string,
): Promise<ReadClockFile> {
  const path = `${clockFolder}/${clockFileName(file)}`
  const bytes = await archive.read(path, 0, (await archive.sizeOf(path)) ?? 0)
  return { ...decodeClockFile(bytes, file, systemIdentifier), sizeBytes: bytes.length }
}
