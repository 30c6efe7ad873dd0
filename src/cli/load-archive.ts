import { archiveCoverage } from '../capture/archive-coverage.ts'
import { archiveEnds } from '../capture/archive-end.ts'
import { readHistories, readIdentity } from '../capture/archive-layout.ts'
import type { ArchiveIdentity } from '../capture/archive-layout.ts'
import type { ReadLedger } from '../capture/archive-ledger.ts'
import { readClock } from '../capture/clock-writer.ts'
import { loadLedger } from '../capture/ledger-writer.ts'
import type { BackupPoint, RecoveryCatalogue } from '../capture/recovery-points.ts'
import { listed, verifyArchive } from '../capture/verify-archive.ts'
import type { ArchiveDefect } from '../capture/verify-archive.ts'
import { verifyWhole } from '../capture/verify-whole.ts'
import type { ArchiveReader } from '../ports/recovery-source.ts'
import { usageError } from './usage-error.ts'

export interface LoadedArchive {
  readonly archive: ArchiveReader
  readonly identity: ArchiveIdentity
  readonly ledger: ReadLedger
  readonly defects: readonly ArchiveDefect[]
  readonly catalogue: RecoveryCatalogue
}

/** Reads an archive as it is now, beside the process that writes it. `verify` reads every byte; otherwise names and sizes are compared. */
export async function loadArchive(
  archive: ArchiveReader,
  options: { readonly backups: readonly BackupPoint[]; readonly verify: boolean },
): Promise<LoadedArchive> {
  const identity = await readIdentity(archive)
  if (identity === undefined)
    throw usageError(
      `${archive.name} is not a WAL archive`,
      'name the archiveDirectory of the capture configuration',
    )
  const { segmentBytes } = identity
  const ledger = await loadLedger(archive)
  const defects = options.verify
    ? await verifyWhole(archive, identity, ledger.entries)
    : listed(await verifyArchive(archive, segmentBytes, ledger.entries, false))
  // Before the ends: a commit that arrives meanwhile is behind neither.
  const clock = await readClock(archive, identity)
  const ends = await archiveEnds(archive, segmentBytes)
  const catalogue = {
    coverage: archiveCoverage({
      segmentBytes,
      entries: ledger.entries,
      histories: await readHistories(archive),
      ends,
      damaged: new Set(defects.map(({ file }) => file)),
    }),
    clock,
    ends,
    backups: options.backups,
  }
  return { archive, identity, ledger, defects, catalogue }
}
