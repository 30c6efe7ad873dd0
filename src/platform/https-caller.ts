import { X509Certificate } from 'node:crypto'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError, fromErrorRecord } from '../domain/recovery-error.ts'
import type { ErrorRecord } from '../domain/recovery-error.ts'
import type { CallOptions, Endpoint } from '../ports/network.ts'
import type { TlsIdentity } from './certificates.ts'
import { parseBody, readBody, replyBytesMax } from './network-body.ts'
import { openVerifiedConnection } from './verified-connection.ts'
import type { VerifiedPeer } from './verified-connection.ts'

/** The calling side of `HttpsNetwork`: connections are kept and used again, because a handshake costs more than the call. */
export class HttpsCaller {
  readonly #identity: TlsIdentity
  /** By endpoint and expected subject: a connection that was checked for one identity never serves a call that expects another. */
  readonly #pools = new Map<string, ConnectionPool>()

  readonly #expiresAtMs: number

  constructor(identity: TlsIdentity) {
    this.#identity = identity
    this.#expiresAtMs = new X509Certificate(identity.certificatePem).validToDate.getTime()
  }

  async call(to: Endpoint, method: string, body: Json, options: CallOptions): Promise<Json> {
    options.signal?.throwIfAborted()
    // The other side would close the connection without saying why.
    if (Date.now() >= this.#expiresAtMs) throw ownCertificateExpired(this.#identity.subject)
    const pool = this.#pool(to, options.expectSubject)
    const call = new Call(to, method, options)
    try {
      return await call.perform(pool, Buffer.from(JSON.stringify(body)))
    } catch (error) {
      // A host that vanished leaves connections that look open. One that went silent speaks for all of them.
      if (call.expired) pool.dropIdle()
      throw error
    }
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.destroy()
    this.#pools.clear()
  }

  #pool(to: Endpoint, expectSubject: string | undefined): ConnectionPool {
    const key = `${to.address} ${to.port} ${expectSubject ?? ''}`
    const pool = this.#pools.get(key) ?? new ConnectionPool(this.#identity, { to, expectSubject })
    this.#pools.set(key, pool)
    return pool
  }
}

/** For a connection that no call waits for. */
const connectMs = 5_000

interface PoolRequest extends RequestOptions {
  /** For a connection that has to be made for it. */
  readonly connectTimeoutMs?: number
}

class ConnectionPool extends Agent {
  readonly #identity: TlsIdentity
  readonly #peer: VerifiedPeer

  constructor(identity: TlsIdentity, peer: VerifiedPeer) {
    // No resumed sessions: those are not checked for identity again.
    super({ keepAlive: true, maxCachedSessions: 0, scheduling: 'lifo' })
    this.#identity = identity
    this.#peer = peer
  }

  override createConnection(
    { connectTimeoutMs = connectMs }: PoolRequest,
    ready: (error: Error | null, stream: Duplex) => void = () => undefined,
  ): null {
    void openVerifiedConnection(this.#identity, this.#peer, connectTimeoutMs).then(
      (socket) => ready(null, socket),
      (error: Error) => (ready as (error: Error) => void)(error),
    )
    return null
  }

  dropIdle(): void {
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy()
    }
  }
}

class Call {
  expired = false
  readonly #to: Endpoint
  readonly #method: string
  readonly #options: CallOptions
  /** From here on the other side may have got it. */
  #sent = false

  constructor(to: Endpoint, method: string, options: CallOptions) {
    this.#to = to
    this.#method = method
    this.#options = options
  }

  async perform(pool: ConnectionPool, body: Buffer): Promise<Json> {
    const { timeoutMs, signal } = this.#options
    const request = this.#request(pool, body.length)
    const timer = setTimeout(() => {
      this.expired = true
      request.destroy(new Error(`no reply within ${timeoutMs} ms`))
    }, timeoutMs)
    const aborted = (): void => void request.destroy(new Error('aborted'))
    signal?.addEventListener('abort', aborted, { once: true })
    try {
      const response = await this.#exchange(request, body)
      return replyOf(response.statusCode ?? 0, parseBody(await readBody(response, replyBytesMax)))
    } catch (error) {
      signal?.throwIfAborted()
      throw error instanceof HandlerError ? error.thrown : this.#networkError(error as Error)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
    }
  }

  #request(pool: ConnectionPool, length: number): ClientRequest {
    const { address, port } = this.#to
    const options: PoolRequest = {
      agent: pool,
      host: address,
      port,
      method: 'POST',
      path: `/v1/${this.#method}`,
      headers: { 'content-type': 'application/json', 'content-length': length },
      connectTimeoutMs: this.#options.timeoutMs,
    }
    return httpsRequest(options)
  }

  async #exchange(request: ClientRequest, body: Buffer): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    request.once('socket', () => {
      this.#sent = true
    })
    request.once('response', resolve)
    request.on('error', reject)
    request.end(body)
    return await promise
  }

  #networkError(cause: Error): RecoveryError {
    if (cause instanceof RecoveryError && !this.#sent) return cause
    const { address, port } = this.#to
    const where = `${this.#method} at ${address} port ${port}`
    if (!this.#sent || refusedByTls(cause)) {
      return new RecoveryError({
        code: 'NETWORK_UNREACHABLE',
        class: 'transient',
        message: `${where} was not reached: ${cause.message}`,
        hint: 'see that the process runs there, that the port is open between the two hosts, and that both certificates are of this estate',
        cause,
      })
    }
    return new RecoveryError({
      code: 'NETWORK_REPLY_LOST',
      class: 'unknown-outcome',
      message: `${where} may have been performed, but its reply was lost: ${cause.message}`,
      hint: 'see what is so there with `pointzero status`',
      cause,
    })
  }
}

/** In TLS 1.3 the server judges our certificate after our side is done. It says so before it reads any request. */
function refusedByTls(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code?.startsWith('ERR_SSL_TLS') === true && code.includes('ALERT')
}

/** Carries what the handler threw past the mapping of network failures. */
class HandlerError extends Error {
  readonly thrown: RecoveryError

  constructor(thrown: RecoveryError) {
    super(thrown.message)
    this.thrown = thrown
  }
}

function replyOf(status: number, body: Json): Json {
  if (status === 200) return body
  const record = (body as { readonly error?: ErrorRecord } | null)?.error
  if (record === undefined) throw new Error(`status ${status} without an error record`)
  throw new HandlerError(fromErrorRecord(record.class === 'bug' ? remoteBug(record) : record))
}

/** A bug over there must not crash us; what it left behind is not known. */
function remoteBug(record: ErrorRecord): ErrorRecord {
  const message = `the other side has a bug: ${record.message}`
  return { code: record.code, class: 'unknown-outcome', message, hint: 'look at the log there' }
}

function ownCertificateExpired(subject: string): RecoveryError {
  return new RecoveryError({
    code: 'NETWORK_UNREACHABLE',
    class: 'transient',
    message: `nobody admits ${subject} any more: its certificate has expired`,
    hint: `issue a new one with \`pointzero identity ${subject}\`; check this host's clock first`,
  })
}
