import { RecoveryError } from '../domain/recovery-error.ts'
import type { ArchiveDirectory, ArchiveFile } from '../ports/archive-directory.ts'
import type { ArchiveReader } from '../ports/recovery-source.ts'
import type { Clock } from '../ports/clock.ts'
import { encode, ledgerPath } from './archive-layout.ts'
import { nextLine, readLedger } from './archive-ledger.ts'
import type { LedgerContent, LedgerEntry, ReadLedger } from './archive-ledger.ts'

export interface LedgerWriter {
  /** Whether a file is in it: by the name of its segment, the number of its timeline, the path that it was kept under. */
  lists(kind: ListedKind, name: string | number): boolean
  /** Resolves when the entry is durable. One call at a time. */
  append(content: LedgerContent): Promise<LedgerEntry>
  close(): Promise<void>
}

type ListedKind = Exclude<LedgerContent['kind'], 'gap'>

export async function loadLedger(archive: ArchiveReader): Promise<ReadLedger> {
  const size = (await archive.sizeOf(ledgerPath)) ?? 0
  return readLedger(await archive.read(ledgerPath, 0, size))
}

/** What a crash cut short is cut off; a ledger that was changed is not written to. */
export async function openLedger(
  archive: ArchiveDirectory,
  clock: Clock,
  systemIdentifier: string,
): Promise<LedgerWriter> {
  const read = await loadLedger(archive)
  const [defect] = read.defects
  if (defect !== undefined) throw damagedLedger(archive, defect.line, defect.what)
  const file = await archive.open(ledgerPath)
  try {
    if (read.unfinishedAt !== undefined) await file.resize(read.unfinishedAt)
    await file.sync()
    await archive.syncFolder('')
    return new FileLedger(file, clock, systemIdentifier, read.entries, await file.size())
  } catch (error) {
    await file.close()
    throw error
  }
}

class FileLedger implements LedgerWriter {
  readonly #file: ArchiveFile
  readonly #clock: Clock
  readonly #systemIdentifier: string
  /** An archive of months lists a hundred thousand segments, and each of its files is looked up at every start. */
  readonly #listed: Set<string>
  #last: LedgerEntry | undefined
  #size: number

  constructor(
    file: ArchiveFile,
    clock: Clock,
    systemIdentifier: string,
    entries: readonly LedgerEntry[],
    size: number,
  ) {
    this.#file = file
    this.#clock = clock
    this.#systemIdentifier = systemIdentifier
    this.#listed = new Set(entries.map(listedAs))
    this.#last = entries.at(-1)
    this.#size = size
  }

  lists(kind: ListedKind, name: string | number): boolean {
    return this.#listed.has(`${kind} ${name}`)
  }

  async append(content: LedgerContent): Promise<LedgerEntry> {
    const { line, entry } = nextLine(this.#last, content, {
      atMs: Math.round(this.#clock.now()),
      systemIdentifier: this.#systemIdentifier,
    })
    const bytes = encode(line)
    await this.#file.write(this.#size, bytes)
    await this.#file.sync()
    this.#size += bytes.length
    this.#last = entry
    this.#listed.add(listedAs(entry))
    return entry
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

function listedAs(entry: LedgerContent): string {
  switch (entry.kind) {
    case 'history':
      return `history ${entry.timeline}`
    case 'conflict':
      return `conflict ${entry.path}`
    case 'gap':
      return `gap ${entry.firstLsn}`
    default:
      return `${entry.kind} ${entry.segment}`
  }
}

function damagedLedger(archive: ArchiveDirectory, line: number, what: string): RecoveryError {
  return new RecoveryError({
    code: 'LEDGER_DAMAGED',
    class: 'refused',
    message: `${archive.name}/${ledgerPath}, line ${line}: ${what}`,
    hint: 'keep the archive as it is, look for who changed it, and capture into a new directory meanwhile',
    context: { line },
  })
}
