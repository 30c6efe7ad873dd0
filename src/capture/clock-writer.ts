import type { ArchiveDirectory, ArchiveFile } from '../ports/archive-directory.ts'
import type { WalRecord } from '../protocol/wal-scan.ts'
import { transactionEvent } from '../protocol/transaction-record.ts'
import { clockFolder } from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import { clockFiles, readClockFile, readToEnd } from './clock-reader.ts'
import { clockFileName, clockFileOf, encodeClockEntry, encodeClockHeader } from './commit-clock.ts'
import type { ClockEntry, ClockFileName } from './commit-clock.ts'
import { databaseDropEntry } from './database-drop.ts'

/** Appends to the clock files of one archive. Nothing in them is acknowledged to anybody: they are made again when they are damaged. */
export class ClockWriter {
  readonly #archive: ArchiveDirectory
  readonly #identity: Pick<ArchiveIdentity, 'systemIdentifier'>
  #open: { readonly name: string; readonly file: ArchiveFile; size: number } | undefined

  constructor(archive: ArchiveDirectory, identity: Pick<ArchiveIdentity, 'systemIdentifier'>) {
    this.#archive = archive
    this.#identity = identity
  }

  /** Where decoding of a timeline goes on: after its last true entry. What is not true behind it is cut off. */
  async resumeAt(timeline: number): Promise<number | undefined> {
    const files = await clockFiles(this.#archive)
    let resume: number | undefined
    for (const file of files.filter((one) => one.timeline === timeline)) {
      const { lastEntry, trueBytes } = await readToEnd(readClockFile(this.#archive, this.#identity, file))
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
        const header = encodeClockHeader(file, this.#identity.systemIdentifier)
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
