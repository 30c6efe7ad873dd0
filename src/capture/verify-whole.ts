import type { ArchiveReader } from '../ports/recovery-source.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import type { LedgerEntry } from './archive-ledger.ts'
import { listed, verifyArchive } from './verify-archive.ts'
import type { ArchiveDefect } from './verify-archive.ts'
import { verifyClock } from './verify-clock.ts'

/** A ledger that is being written may lack so many segments; more were taken out of it, or never entered. */
const unlistedMax = 2

/** Reads every byte of an archive and names all that is not as it was written, beside what the ledger says of itself. */
export async function verifyWhole(
  archive: ArchiveReader,
  identity: ArchiveIdentity,
  entries: readonly LedgerEntry[],
): Promise<readonly ArchiveDefect[]> {
  const found = await verifyArchive(archive, identity.segmentBytes, entries)
  const known = listed(found)
  const inLedger = found.length - known.length > unlistedMax ? found : known
  const damaged = new Set(known.map(({ file }) => file))
  const foreign = entries.find(({ systemIdentifier }) => systemIdentifier !== identity.systemIdentifier)
  const format: readonly ArchiveDefect[] =
    foreign === undefined
      ? []
      : [
          {
            file: 'FORMAT',
            problem: 'altered',
            detail: `it names system ${identity.systemIdentifier}, the ledger ${foreign.systemIdentifier}`,
          },
        ]
  return [...format, ...inLedger, ...(await verifyClock(archive, identity, damaged))]
}
