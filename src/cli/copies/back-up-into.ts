import type { AgentVaultConfig } from '../../domain/copies-config.ts'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { FileObjectStore } from '../../drivers/file/file-object-store.ts'
import type { Estate, PostgresComponent } from '../../estate/estate.ts'
import type { SystemWorld } from '../../platform/system-world.ts'
import { backUpPostgres } from '../../vault/back-up-postgres.ts'
import { backupSource, connectToSource } from '../backup-source.ts'
import { secretOf } from '../secret-reference.ts'
import { tlsSettings } from '../tls-settings.ts'
import { openWriter, vaultOf } from '../vault-access.ts'

const epochMaxAgeMs = 7 * 86_400_000

export interface BackUpWork {
  readonly estate: Estate
  readonly cluster: PostgresComponent
  readonly world: SystemWorld
  readonly signal: AbortSignal
}

/** A base backup of whoever is the primary now. Returns the id of the snapshot, which is there for good. */
export async function backUpInto(
  config: AgentVaultConfig,
  { estate, cluster, world, signal }: BackUpWork,
): Promise<string> {
  if (config.writerFile === undefined) throw noWriter(cluster.name)
  const { writer, pin } = await openWriter({ environment: process.env }, `file:${config.writerFile}`)
  const vault = vaultOf(new FileObjectStore(config.storeDirectory), pin)
  const source = backupSource(estate, cluster, await loginOf(config, cluster))
  const connection = await connectToSource(source, await tlsSettings(config.tls), signal)
  try {
    const { snapshot } = await backUpPostgres(
      vault,
      writer,
      connection,
      { source: { estate: estate.id, component: cluster.id }, epochMaxAgeMs, checkpoint: 'fast' },
      { clock: world.clock, random: world.random },
    )
    return snapshot
  } finally {
    connection.close()
  }
}

async function loginOf({ user, passwordRef }: AgentVaultConfig, cluster: PostgresComponent) {
  const reference = passwordRef ?? (user === undefined ? cluster.passwordRef : undefined)
  const password = reference === undefined ? undefined : await secretOf(reference, process.env)
  return { user: user ?? cluster.user, ...(password === undefined ? {} : { password }) }
}

export function noWriter(name: string): RecoveryError {
  return new RecoveryError({
    code: 'BACKUP_NO_WRITER',
    class: 'refused',
    message: `this host serves the vault of ${name} and may not write into it`,
    hint: 'set `vaults[].writerFile` in the configuration of this agent, or back up where it is set: `pointzero vault backup`',
  })
}
