import type { ArchiveIdentity } from '../capture/archive-layout.ts'
import type { LedgerEntry } from '../capture/archive-ledger.ts'
import { readArchive } from '../capture/read-archive.ts'
import type { BackupPoint, RecoveryCatalogue } from '../capture/recovery-points.ts'
import type { TimelineHistories } from '../capture/timeline-lineage.ts'
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
  let snapshots: readonly Manifest[] = []
  const read = await readArchive(source.archive, {
    verify: false,
    backups: async ({ systemIdentifier }) => {
      const all = (await readCatalogue(vault)).snapshots
      snapshots = all.filter(({ postgres }) => postgres.systemIdentifier === systemIdentifier)
      return snapshots.map(backupPoint)
    },
  })
  if (read === undefined) throw noWal(source.archive.name)
  const { archive, identity, ledger, histories, catalogue } = read
  return { vault, snapshots, archive, identity, ledger: ledger.entries, histories, catalogue }
}

export function backupPoint({ snapshot, postgres }: Manifest): BackupPoint {
  const { timeline, startLsn, endLsn } = postgres
  return { id: snapshot, timeline, startLsn: parseLsn(startLsn), endLsn: parseLsn(endLsn) }
}

function noWal(archive: string): RecoveryError {
  return new RecoveryError({
    code: 'TARGET_UNREACHABLE',
    class: 'refused',
    message: `${archive} holds no WAL yet`,
    hint: 'see that `pointzero capture` runs, then `pointzero points`',
  })
}
