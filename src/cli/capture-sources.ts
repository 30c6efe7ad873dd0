import { randomBytes } from 'node:crypto'
import type { ConfiguredEndpoint } from '../domain/process-config.ts'
import { openTcpStream } from '../platform/tcp-stream.ts'
import { openPostgresConnection } from '../protocol/postgres-connection.ts'
import type { PostgresConnection } from '../protocol/postgres-connection.ts'
import type { TlsSettings } from '../protocol/postgres-startup.ts'

/** How to reach the database: plain data, so that it can be handed to the receiver's thread. Holds the password. */
export interface CaptureLogin {
  readonly user: string
  readonly password?: string
  readonly applicationName: string
  readonly tls: TlsSettings
}

const connectTimeoutMs = 5_000
/** Of an ordinary session, which only asks: a machine that froze must not keep the true state from being told. */
const idleTimeoutMs = 10_000

/** A physical replication connection, or with `database` an ordinary session under another name. Ends with `signal`. */
export async function connectForCapture(
  { address, port }: ConfiguredEndpoint,
  login: CaptureLogin,
  { database, signal }: { readonly database?: string; readonly signal?: AbortSignal },
): Promise<PostgresConnection> {
  const stream = await openTcpStream({
    ...{ address, port, connectTimeoutMs },
    ...(database === undefined ? {} : { idleTimeoutMs }),
    ...(signal === undefined ? {} : { signal }),
  })
  return openPostgresConnection(stream, {
    ...login,
    ...(database === undefined ? { replication: 'physical' } : { database }),
    applicationName: database === undefined ? login.applicationName : 'pointzero capture watch',
    tls: { ...login.tls, serverName: login.tls.serverName ?? address },
    nonce: () => randomBytes(18).toString('base64'),
  })
}
