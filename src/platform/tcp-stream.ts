import { connect as connectSocket, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ByteStream, TlsOptions } from '../ports/byte-stream.ts'
import { SocketInbox } from './socket-inbox.ts'

export interface TcpStreamOptions {
  readonly address: string
  readonly port: number
  /** For the connection and for a TLS handshake on it. */
  readonly connectTimeoutMs: number
  /** Ends a connection on which nothing arrives for so long. Absent: only the system's keepalive does. */
  readonly idleTimeoutMs?: number
  /** Ends the connection at any time. */
  readonly signal?: AbortSignal
}

const keepAliveIdleMs = 10_000
const closeGraceMs = 1_000

export async function openTcpStream(options: TcpStreamOptions): Promise<ByteStream> {
  const where = `${options.address}:${options.port}`
  const { signal } = options
  signal?.throwIfAborted()
  const inbox = inboxOf(where)
  const socket = connectSocket({
    onread: inbox.onread,
    host: options.address,
    port: options.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveIdleMs,
  })
  const abort = () => socket.destroy(abortError(where, signal))
  signal?.addEventListener('abort', abort, { once: true })
  socket.once('close', () => signal?.removeEventListener('abort', abort))
  await established(socket, 'connect', options.connectTimeoutMs, where)
  inbox.listen(socket)
  return socketStream(socket, inbox, options, where)
}

function inboxOf(where: string): SocketInbox {
  return new SocketInbox({
    closed: () => unreachable(where, 'the connection was closed', 'PG_CONNECTION_LOST'),
    failed: (error) => lost(where, error),
  })
}

function socketStream(
  socket: Socket,
  inbox: SocketInbox,
  options: TcpStreamOptions,
  where: string,
): ByteStream {
  const { idleTimeoutMs } = options
  if (idleTimeoutMs !== undefined) socket.setTimeout(idleTimeoutMs)
  socket.on('timeout', () =>
    socket.destroy(unreachable(where, `nothing arrived for ${idleTimeoutMs} ms`, 'PG_CONNECTION_LOST')),
  )
  return {
    read: () => inbox.take(),
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (inbox.failure !== undefined) reject(inbox.failure)
        else socket.write(bytes, (error) => (error ? reject(inbox.failure ?? lost(where, error)) : resolve()))
      }),
    close() {
      if (socket.destroyed) return
      inbox.ignore()
      socket.end()
      socket.resume()
      const timer = setTimeout(() => socket.destroy(), closeGraceMs)
      timer.unref()
      socket.once('close', () => clearTimeout(timer))
    },
    ...(socket instanceof TLSSocket
      ? {}
      : {
          async startTls(tls: TlsOptions) {
            // Clear text in front of the handshake would pass for encrypted afterwards.
            if (!inbox.isEmpty) throw tlsFailure(where, new Error('clear text before the handshake'))
            inbox.detach()
            return upgrade(socket, tls, options, where)
          },
        }),
  }
}

async function upgrade(
  raw: Socket,
  tls: TlsOptions,
  options: TcpStreamOptions,
  where: string,
): Promise<ByteStream> {
  const socket = connectTls({
    socket: raw,
    host: tls.serverName,
    ...(isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {}),
    rejectUnauthorized: tls.verify === 'full',
    ALPNProtocols: ['postgresql'],
    minVersion: 'TLSv1.2',
    ...(tls.certificateAuthorities === undefined ? {} : { ca: tls.certificateAuthorities }),
    ...(tls.clientCertificate === undefined ? {} : { cert: tls.clientCertificate }),
    ...(tls.clientKey === undefined ? {} : { key: tls.clientKey }),
  })
  raw.setTimeout(0)
  raw.once('error', (error) => socket.destroy(error)).once('close', () => socket.destroy())
  await established(socket, 'secureConnect', options.connectTimeoutMs, where)
  const inbox = inboxOf(where)
  inbox.listenToChunks(socket)
  return socketStream(socket, inbox, options, where)
}

function established(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
  where: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => socket.destroy(unreachable(where, `no ${event} within ${timeoutMs} ms`, 'PG_UNREACHABLE')),
      timeoutMs,
    )
    const settle = (error?: Error) => {
      clearTimeout(timer)
      socket.off(event, settle).off('error', fail).off('close', closed)
      if (error === undefined) resolve()
      else reject(error)
    }
    const fail = (error: Error) =>
      settle(event === 'connect' ? connectFailure(where, error) : tlsFailure(where, error))
    const closed = () => settle(unreachable(where, `closed during ${event}`, 'PG_UNREACHABLE'))
    socket.once(event, settle).once('error', fail).once('close', closed)
    // Errors after this one have no listener until the stream adds its own; they must not end the process.
    socket.on('error', () => undefined)
  })
}

function connectFailure(where: string, error: Error): RecoveryError {
  return error instanceof RecoveryError ? error : unreachable(where, error.message, 'PG_UNREACHABLE', error)
}

function lost(where: string, error: Error): RecoveryError {
  return error instanceof RecoveryError
    ? error
    : unreachable(where, error.message, 'PG_CONNECTION_LOST', error)
}

function unreachable(where: string, why: string, code: string, cause?: unknown): RecoveryError {
  const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(where) ?? []
  return new RecoveryError({
    code,
    class: 'transient',
    message: `PostgreSQL at ${where}: ${why}`,
    hint: `see whether it answers: \`pg_isready -h ${address} -p ${port}\``,
    ...(cause === undefined ? {} : { cause }),
  })
}

function abortError(where: string, signal: AbortSignal | undefined): RecoveryError {
  return unreachable(where, 'aborted by us', 'PG_CONNECTION_ABORTED', signal?.reason)
}

/** A certificate that does not fit is not worth a retry: somebody has to look. */
function tlsFailure(where: string, error: Error): RecoveryError {
  if (error instanceof RecoveryError) return error
  return new RecoveryError({
    code: 'PG_TLS_FAILED',
    class: 'permanent',
    message: `TLS with ${where} failed: ${error.message}`,
    hint: `look at the certificate: \`openssl s_client -starttls postgres -connect ${where} -showcerts\``,
    cause: error,
  })
}
