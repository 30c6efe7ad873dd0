import { archiveCoverage } from '../capture/archive-coverage.ts'
import { archiveEnds } from '../capture/archive-end.ts'
import { readHistories, readIdentity } from '../capture/archive-layout.ts'
import type { ArchiveIdentity } from '../capture/archive-layout.ts'
import type { LedgerEntry } from '../capture/archive-ledger.ts'
import { readClock } from '../capture/clock-writer.ts'
import { loadLedger } from '../capture/ledger-writer.ts'
import type { BackupPoint, RecoveryCatalogue } from '../capture/recovery-points.ts'
import type { TimelineHistories } from '../capture/timeline-lineage.ts'
import { verifyArchive } from '../capture/verify-archive.ts'
import { parseLsn } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ArchiveReader, RecoveryKeyring, RecoverySource } from '../ports/recovery-source.ts'
import type { SignatureVerifier } from '../ports/signer.ts'
import { readCatalogue } from '../vault/catalogue.ts'
import type { Manifest } from '../vault/manifest.ts'
import type { Vault } from '../vault/vault-descriptor.ts'

/** Vault and archive of one database system, as they are at one moment. */
export interface ReadCopies {
  readonly vault: Vault
  readonly snapshots: readonly Manifest[]
  readonly archive: ArchiveReader
  readonly identity: ArchiveIdentity
  readonly ledger: readonly LedgerEntry[]
  readonly histories: TimelineHistories
  readonly catalogue: RecoveryCatalogue
}

/** Reads what is known of both, not the data itself: sizes are compared with the ledger, digests when WAL is fetched. */
export async function readCopies(
  source: RecoverySource,
  keyring: Pick<RecoveryKeyring, 'vault' | 'writers'>,
  verifier: SignatureVerifier,
): Promise<ReadCopies> {
  const writers = new Map(Object.entries(keyring.writers))
  const vault: Vault = { id: keyring.vault, store: source.vault, trust: { writers, verifier } }
  const { archive } = source
  const identity = await readIdentity(archive)
  if (identity === undefined)
    throw new RecoveryError({
      code: 'TARGET_UNREACHABLE',
      class: 'refused',
      message: `${archive.name} holds no WAL yet`,
      hint: 'see that `pointzero capture` runs, then `pointzero points`',
    })
  const snapshots = (await readCatalogue(vault)).snapshots.filter(
    ({ postgres }) => postgres.systemIdentifier === identity.systemIdentifier,
  )
  const { entries } = await loadLedger(archive)
  const histories = await readHistories(archive)
  const ends = await archiveEnds(archive, identity.segmentBytes)
  const defects = await verifyArchive(archive, identity.segmentBytes, entries, false)
  const damaged = new Set(defects.filter(({ problem }) => problem !== 'unlisted').map(({ file }) => file))
  const { segmentBytes } = identity
  const coverage = archiveCoverage({ segmentBytes, entries, histories, ends, damaged })
  const clock = await readClock(archive, identity)
  const backups = snapshots.map(backupPoint)
  return {
    vault,
    snapshots,
    archive,
    identity,
    ledger: entries,
    histories,
    catalogue: { coverage, clock, ends, backups },
  }
}

function backupPoint({ snapshot, postgres }: Manifest): BackupPoint {
  const { timeline, startLsn, endLsn } = postgres
  return { id: snapshot, timeline, startLsn: parseLsn(startLsn), endLsn: parseLsn(endLsn) }
}
