import type { ArchiveReader } from '../ports/recovery-source.ts'
import { archiveCoverage } from './archive-coverage.ts'
import { archiveEnds } from './archive-end.ts'
import { readHistories, readIdentity } from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import type { ReadLedger } from './archive-ledger.ts'
import { openClock } from './clock-reader.ts'
import { loadLedger } from './ledger-writer.ts'
import type { BackupPoint, RecoveryCatalogue } from './recovery-points.ts'
import type { TimelineHistories } from './timeline-lineage.ts'
import { listed, verifyArchive } from './verify-archive.ts'
import type { ArchiveDefect } from './verify-archive.ts'
import { verifyWhole } from './verify-whole.ts'

/** An archive as it is at one moment, beside the process that writes it. */
export interface ReadArchive {
  readonly archive: ArchiveReader
  readonly identity: ArchiveIdentity
  readonly ledger: ReadLedger
  readonly histories: TimelineHistories
  readonly defects: readonly ArchiveDefect[]
  readonly catalogue: RecoveryCatalogue
}

export interface ReadArchiveOptions {
  /** Asked for while ledger and clock are read; without those of another database system. */
  readonly backups: (identity: ArchiveIdentity) => readonly BackupPoint[] | Promise<readonly BackupPoint[]>
  /** Reads every byte; otherwise names and sizes are compared. */
  readonly verify: boolean
}

/** `undefined` when nothing was written to it yet. */
export async function readArchive(
  archive: ArchiveReader,
  { backups, verify }: ReadArchiveOptions,
): Promise<ReadArchive | undefined> {
  const identity = await readIdentity(archive)
  if (identity === undefined) return undefined
  const { segmentBytes } = identity
  const [clock, { ledger, defects }, points] = await Promise.all([
    openClock(archive, identity),
    readBooks(archive, identity, verify),
    backups(identity),
  ])
  // After the clock: a commit that arrives meanwhile is behind neither, and no commit is known that no WAL is there for.
  const ends = await archiveEnds(archive, segmentBytes, ledger.entries)
  // After the ends: WAL of a timeline follows its history.
  const histories = await readHistories(archive)
  const damaged = new Set(defects.map(({ file }) => file))
  const coverage = archiveCoverage({ segmentBytes, entries: ledger.entries, histories, ends, damaged })
  return {
    archive,
    identity,
    ledger,
    histories,
    defects,
    catalogue: { coverage, clock, ends, backups: points },
  }
}

async function readBooks(
  archive: ArchiveReader,
  identity: ArchiveIdentity,
  verify: boolean,
): Promise<Pick<ReadArchive, 'ledger' | 'defects'>> {
  const ledger = await loadLedger(archive)
  const defects = verify
    ? await verifyWhole(archive, identity, ledger.entries)
    : listed(await verifyArchive(archive, identity.segmentBytes, ledger.entries, false))
  return { ledger, defects }
}
