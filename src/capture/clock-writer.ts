import type { ArchiveDirectory, ArchiveFile } from '../ports/archive-directory.ts'
import type { WalRecord } from '../protocol/wal-scan.ts'
import { transactionEvent } from '../protocol/transaction-record.ts'
import { clockFolder } from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import { clockFiles, clockPath, readClockFile, readSummary, sumClockFile } from './clock-reader.ts'
import type { SizedClockFile } from './clock-reader.ts'
import { encodeSummary, summaryBytes } from './clock-summary.ts'
import { clockFileOf, encodeClockEntry, encodeClockHeader } from './commit-clock.ts'
import type { ClockEntry, ClockFileName } from './commit-clock.ts'
import { databaseDropEntry } from './database-drop.ts'

interface OpenClockFile extends ClockFileName {
  readonly file: ArchiveFile
  size: number
}

/**
 * Appends to the clock files of one archive, and ends each with its summary when the next one of its timeline begins. Nothing in them is
 * acknowledged to anybody: they are made again when they are damaged.
 */
export class ClockWriter {
  readonly #archive: ArchiveDirectory
  readonly #identity: Pick<ArchiveIdentity, 'systemIdentifier'>
  #open: OpenClockFile | undefined

  constructor(archive: ArchiveDirectory, identity: Pick<ArchiveIdentity, 'systemIdentifier'>) {
    this.#archive = archive
    this.#identity = identity
  }

  /** Where decoding of a timeline goes on: after its last true entry. What is not true behind it is cut off. */
  async resumeAt(timeline: number): Promise<number | undefined> {
    const files = await clockFiles(this.#archive)
    let resume: number | undefined
    for (const file of files.filter((one) => one.timeline === timeline)) {
      const { lastEntry, trueBytes } = await this.#sum(file)
      const isDamaged = await this.#cut(file, trueBytes)
      resume = lastEntry?.end ?? resume
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
      if (this.#open?.timeline !== file.timeline || this.#open.log !== file.log) {
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
    const handle = await this.#archive.open(clockPath(file))
    try {
      const size = await handle.size()
      if (size === 0) {
        // Before the header: a file that another one follows has its summary, whatever moment the process ends at.
        await this.#endBefore(file)
        const header = encodeClockHeader(file, this.#identity.systemIdentifier)
        await handle.write(0, header)
        await this.#archive.syncFolder(clockFolder)
        this.#open = { ...file, file: handle, size: header.length }
      } else
        this.#open = {
          ...file,
          file: handle,
          size: await this.#withoutSummary(handle, { ...file, sizeBytes: size }),
        }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** The file is written on: a summary that it got all the same is cut off. */
  async #withoutSummary(handle: ArchiveFile, file: SizedClockFile): Promise<number> {
    if ((await readSummary(this.#archive, this.#identity, file)) === undefined) return file.sizeBytes
    const size = file.sizeBytes - summaryBytes
    await handle.resize(size)
    return size
  }

  async #endBefore({ timeline, log }: ClockFileName): Promise<void> {
    const earlier = (await clockFiles(this.#archive)).filter(
      (one) => one.timeline === timeline && one.log < log,
    )
    const file = earlier.at(-1)
    if (file === undefined || (await readSummary(this.#archive, this.#identity, file)) !== undefined) return
    const { trueBytes, summing } = await this.#sum(file)
    const summary = summing.summary()
    if (summary === undefined || trueBytes < file.sizeBytes) return
    const handle = await this.#archive.open(clockPath(file))
    try {
      await handle.write(trueBytes, encodeSummary(summary, trueBytes))
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  async #sum(file: SizedClockFile) {
    return await sumClockFile(readClockFile(this.#archive, this.#identity, file))
  }

  async #emptyAfter(files: readonly ClockFileName[], damaged: ClockFileName): Promise<void> {
    for (const file of files) {
      if (file.timeline === damaged.timeline && file.log > damaged.log) await this.#cut(file, 0)
    }
  }

  /** True when there was something behind `bytes`. */
  async #cut(file: ClockFileName, bytes: number): Promise<boolean> {
    const handle = await this.#archive.open(clockPath(file))
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
