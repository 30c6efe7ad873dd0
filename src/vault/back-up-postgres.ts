import { RecoveryError } from '../domain/recovery-error.ts'
import type { RestoreTarget } from '../ports/restore-target.ts'
import { cloneBaseBackup } from '../protocol/base-backup-clone.ts'
import type { ClonedBackup, CloneOptions } from '../protocol/base-backup-clone.ts'
import type { PostgresConnection } from '../protocol/postgres-connection.ts'
import { storeSnapshot } from './store-snapshot.ts'
import type { Copied, Snapshot, SnapshotOptions, VaultEffects, Writer } from './store-snapshot.ts'
import type { WritableVault } from './vault-descriptor.ts'

export interface BackupOptions extends SnapshotOptions, Omit<CloneOptions, 'label'> {}

/**
 * Copies a running server into the vault, with the WAL that it needs to start. What was received was compared with PostgreSQL's own
 * manifest before anything is signed. The connection is closed after a failure.
 */
export async function backUpPostgres(
  vault: WritableVault,
  writer: Writer,
  connection: PostgresConnection,
  options: BackupOptions,
  effects: VaultEffects,
): Promise<Snapshot> {
  const { source, epochMaxAgeMs, ...rest } = options
  const cloneOptions = { ...rest, label: 'pointzero vault' }
  return storeSnapshot(vault, writer, { source, epochMaxAgeMs }, effects, async (target) =>
    copy(connection, target, cloneOptions),
  )
}

async function copy(
  connection: PostgresConnection,
  target: RestoreTarget,
  options: CloneOptions,
): Promise<Copied> {
  try {
    const clone = await cloneBaseBackup(connection, target, options)
    return { bytes: clone.bytes, postgres: postgresOf(connection, clone) }
  } catch (error) {
    // A clone that breaks off leaves a directory to remove; a snapshot that breaks off leaves nothing that counts.
    const isWrapped = error instanceof RecoveryError && error.code === 'PG_CLONE_INCOMPLETE'
    throw isWrapped && error.cause !== undefined ? error.cause : error
  }
}

function postgresOf(connection: PostgresConnection, clone: ClonedBackup): Copied['postgres'] {
  return {
    systemIdentifier: clone.systemIdentifier,
    version: connection.parameters.get('server_version') ?? '',
    timeline: clone.timeline,
    startLsn: clone.startLsn,
    endLsn: clone.endLsn,
    walIncluded: true,
    tablespaces: [],
  }
}
