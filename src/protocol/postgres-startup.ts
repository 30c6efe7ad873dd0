import { RecoveryError } from '../domain/recovery-error.ts'
import type { ByteStream } from '../ports/byte-stream.ts'
import { Authenticator } from './postgres-authentication.ts'
import type { Credentials } from './postgres-authentication.ts'
import {
  defaultMessageLimitBytes,
  encodeSslRequest,
  encodeStartup,
  MessageScanner,
} from './postgres-message.ts'
import type { BackendMessage } from './postgres-message.ts'
import { ByteReader } from './byte-reader.ts'
import { decodeServerReport, PostgresServerError } from './postgres-server-error.ts'
import { protocolViolation } from './protocol-violation.ts'

/** As in libpq: `prefer` falls back to clear text when the server has no TLS; only `verify-full` knows whom it talks to. */
export type TlsPolicy = 'disable' | 'prefer' | 'require' | 'verify-full'

export interface TlsSettings {
  readonly policy: TlsPolicy
  /** The name in the server's certificate. Needed unless the policy is `disable`. */
  readonly serverName?: string
  readonly certificateAuthorities?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
}

export interface StartupOptions extends Credentials {
  readonly tls: TlsSettings
  /** Absent or unused with `replication: 'physical'`. */
  readonly database?: string
  /** `physical`: replication=true; `logical`: replication=database. Absent: an ordinary session. */
  readonly replication?: 'physical' | 'logical'
  readonly applicationName: string
  /** Run-time settings of the session, for example wal_sender_timeout. */
  readonly settings?: Readonly<Record<string, string>>
  readonly messageLimitBytes?: number
}

/** A session that the server is ready to serve. */
export interface StartedSession {
  readonly stream: ByteStream
  readonly encrypted: boolean
  readonly scanner: MessageScanner
  readonly parameters: Map<string, string>
  readonly processId: number
}

export async function startSession(raw: ByteStream, options: StartupOptions): Promise<StartedSession> {
  const { stream, encrypted } = await negotiateTls(raw, options.tls)
  const scanner = new MessageScanner()
  const session = { stream, encrypted, scanner, parameters: new Map<string, string>(), processId: 0 }
  await stream.write(encodeStartup(startupParameters(options)))
  await authenticate(stream, scanner, new Authenticator(options, encrypted))
  scanner.setLimit(options.messageLimitBytes ?? defaultMessageLimitBytes)
  for (;;) {
    const message = await nextMessage(stream, scanner)
    const reader = new ByteReader(message.body)
    if (message.type === 'Z') return session
    if (message.type === 'S') session.parameters.set(reader.cString(), reader.cString())
    else if (message.type === 'K') session.processId = reader.int32()
    else if (message.type === 'E') throw new PostgresServerError(decodeServerReport(message.body))
    else if (message.type !== 'N') throw unexpected(message, 'after authentication')
  }
}

/** The next message, or an error: a connection never ends in the middle of anything. */
export async function nextMessage(stream: ByteStream, scanner: MessageScanner): Promise<BackendMessage> {
  for (;;) {
    const message = scanner.next()
    if (message !== undefined) return message
    const chunk = await stream.read()
    if (chunk === undefined) throw connectionLost()
    scanner.push(chunk)
  }
}

export function unexpected(message: BackendMessage, when: string): RecoveryError {
  return protocolViolation(`unexpected message ${JSON.stringify(message.type)} ${when}`)
}

async function authenticate(
  stream: ByteStream,
  scanner: MessageScanner,
  authenticator: Authenticator,
): Promise<void> {
  for (;;) {
    const message = await nextMessage(stream, scanner)
    if (message.type === 'E') throw new PostgresServerError(decodeServerReport(message.body))
    if (message.type === 'N') continue
    if (message.type !== 'R') throw unexpected(message, 'before authentication')
    const answer = await authenticator.answer(message.body)
    if (answer === 'done') return
    if (answer !== undefined) await stream.write(answer)
  }
}

function startupParameters(options: StartupOptions): Readonly<Record<string, string>> {
  const replication = { physical: 'true', logical: 'database' }
  return {
    ...options.settings,
    user: options.user,
    database: options.database ?? '',
    replication: options.replication === undefined ? '' : replication[options.replication],
    application_name: options.applicationName,
    client_encoding: 'UTF8',
  }
}

async function negotiateTls(stream: ByteStream, tls: TlsSettings) {
  if (tls.policy === 'disable') return { stream, encrypted: false }
  if (stream.startTls === undefined || tls.serverName === undefined) {
    if (tls.policy === 'prefer') return { stream, encrypted: false }
    throw tlsUnavailable('this stream can not be upgraded, or no server name is configured')
  }
  await stream.write(encodeSslRequest())
  const reply = await stream.read()
  if (reply === undefined) throw connectionLost()
  // More than the one byte would be clear text that later passes for encrypted (CVE-2021-23222).
  if (reply.length !== 1) throw protocolViolation('the server sent data before the TLS handshake')
  const answer = String.fromCharCode(reply[0] as number)
  if (answer === 'N' && tls.policy === 'prefer') return { stream, encrypted: false }
  if (answer === 'N') throw tlsUnavailable('the server has ssl = off')
  if (answer !== 'S') throw protocolViolation(`answer ${JSON.stringify(answer)} to SSLRequest`)
  const { policy, serverName, ...rest } = tls
  const verify = policy === 'verify-full' ? ('full' as const) : ('none' as const)
  return { stream: await stream.startTls({ ...rest, serverName, verify }), encrypted: true }
}

export function connectionLost(cause?: unknown): RecoveryError {
  return new RecoveryError({
    code: 'PG_CONNECTION_LOST',
    class: 'transient',
    message: 'PostgreSQL ended the connection',
    hint: 'see whether it runs: `pg_isready -h <host> -p <port>`, then the server log around this time',
    ...(cause === undefined ? {} : { cause }),
  })
}

function tlsUnavailable(why: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_TLS_UNAVAILABLE',
    class: 'refused',
    message: `the connection has to be encrypted, but ${why}`,
    hint: 'on the server: set ssl = on with ssl_cert_file and ssl_key_file, then `select pg_reload_conf()`',
  })
}
