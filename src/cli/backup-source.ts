import { RecoveryError } from '../domain/recovery-error.ts'
import { hostNamed } from '../estate/estate-lookup.ts'
import type { Estate, PostgresComponent, PostgresMember } from '../estate/estate.ts'
import { SystemRandom } from '../platform/system-random.ts'
import { openTcpStream } from '../platform/tcp-stream.ts'
import { openPostgresConnection } from '../protocol/postgres-connection.ts'
import type { PostgresConnection } from '../protocol/postgres-connection.ts'
import type { TlsSettings } from '../protocol/postgres-startup.ts'

const connectTimeoutMs = 10_000
/** The server says nothing while it writes its checkpoint. */
const idleTimeoutMs = 15 * 60_000

export interface BackupServer {
  readonly address: string
  readonly port: number
  readonly user: string
  readonly password?: string
}

/** Where a base backup comes from. */
export interface BackupSource {
  readonly estate: string | null
  readonly component: string
  /** In the order in which they are tried. */
  readonly servers: readonly BackupServer[]
  readonly primaryOnly: boolean
}

export function serversOf(
  estate: Estate,
  members: readonly PostgresMember[],
  login: Pick<BackupServer, 'user' | 'password'>,
): readonly BackupServer[] {
  return members.map(({ host, port }) => ({ address: hostNamed(estate, host).address, port, ...login }))
}

export function backupSource(
  estate: Estate,
  cluster: PostgresComponent,
  login: Pick<BackupServer, 'user' | 'password'>,
): BackupSource {
  const servers = serversOf(estate, cluster.members, login)
  return { estate: estate.id, component: cluster.id, servers, primaryOnly: true }
}

/** The first server that answers and is the primary (or was named). */
export async function connectToSource(
  { component, servers, primaryOnly }: BackupSource,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<PostgresConnection> {
  let failure: Error | undefined
  for (const server of servers) {
    try {
      const connection = await connectTo(server, tls, signal)
      if (!primaryOnly || connection.parameters.get('in_hot_standby') === 'off') return connection
      connection.close()
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error(String(error))
    }
  }
  if (failure !== undefined) throw failure
  throw new RecoveryError({
    code: 'VAULT_NO_PRIMARY',
    class: 'transient',
    message: `no member of ${component} is the primary`,
    hint: 'see who leads with `pointzero status`, or name a standby with --member',
  })
}

async function connectTo(
  { address, port, user, password }: BackupServer,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<PostgresConnection> {
  const random = new SystemRandom()
  const stream = await openTcpStream({ address, port, connectTimeoutMs, idleTimeoutMs, signal })
  return openPostgresConnection(stream, {
    user,
    ...(password === undefined ? {} : { password }),
    nonce: () => Buffer.from(random.bytes(18)).toString('base64'),
    tls: { ...tls, serverName: address },
    replication: 'physical',
    applicationName: 'pointzero-vault',
  })
}
