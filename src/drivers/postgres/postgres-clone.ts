import type { ByteStream } from '../../ports/byte-stream.ts'
import type { Endpoint } from '../../ports/network.ts'
import type { RestoreTarget } from '../../ports/restore-target.ts'
import { cloneBaseBackup } from '../../protocol/base-backup-clone.ts'
import { openPostgresConnection } from '../../protocol/postgres-connection.ts'
import type { CloneDatabase } from './member-config.ts'

export interface CloneEffects {
  openStream(to: Endpoint): Promise<ByteStream>
  openTarget(directory: string): RestoreTarget
  /** 18 or more random bytes in base64. */
  nonce(): string
}

/** Clones over the replication protocol: no client program is needed. */
export function cloneOverReplication(effects: CloneEffects): CloneDatabase {
  return async (targetDirectory, source) => {
    const stream = await effects.openStream({ address: source.address, port: source.port })
    const connection = await openPostgresConnection(stream, {
      user: source.user,
      ...(source.password === undefined ? {} : { password: source.password }),
      nonce: () => effects.nonce(),
      tls: {
        serverName: source.address,
        ...(source.authority === undefined
          ? { policy: 'prefer' }
          : { policy: 'verify-full', certificateAuthorities: source.authority }),
      },
      replication: 'physical',
      applicationName: 'pointzero-clone',
    })
    try {
      await cloneBaseBackup(connection, effects.openTarget(targetDirectory), {
        label: 'pointzero rejoin',
        checkpoint: 'fast',
        expectedSystemIdentifier: source.systemIdentifier,
      })
    } finally {
      connection.close()
    }
  }
}
