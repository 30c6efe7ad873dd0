import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError, toErrorRecord } from '../domain/recovery-error.ts'
import type { ErrorClass } from '../domain/recovery-error.ts'
import type { Log } from '../ports/log.ts'
import type { CallHandler, Endpoint, Listener } from '../ports/network.ts'
import type { TlsIdentity } from './certificates.ts'
import { parseBody, readBody, requestBytesMax } from './network-body.ts'

const path = /^\/v1\/([a-z][a-z0-9-]*(?:\/[a-z][a-z0-9-]*)*)$/
const subjectForm = /^(hst|prn)_[a-z0-9]{6,32}$/

const statusOf: Readonly<Record<ErrorClass, number>> = {
  transient: 503,
  'unknown-outcome': 504,
  refused: 409,
  permanent: 422,
  'invalid-estate': 400,
  bug: 500,
}

export async function listenHttps(
  identity: TlsIdentity,
  on: Endpoint,
  handler: CallHandler,
  log: Log,
): Promise<Listener> {
  const server = createServer({
    minVersion: 'TLSv1.3',
    ca: identity.authorityPem,
    cert: identity.certificatePem,
    key: identity.privateKeyPem,
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: 10_000,
    requestTimeout: 30_000,
    // Longer than the interval of heartbeats, so that they find their connection open.
    keepAliveTimeout: 60_000,
    noDelay: true,
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void answer(request, response, handler, log)
  })
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    log.warn('peer-not-admitted', { address: socket.remoteAddress ?? '', why: error.message })
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', (error: Error) => reject(notListening(on, error)))
  server.listen(on.port, on.address, resolve)
  await promise
  const { port } = server.address() as AddressInfo
  return {
    port,
    close: async () => {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handler: CallHandler,
  log: Log,
): Promise<void> {
  // The caller may be gone at any time; its own side reports that.
  response.on('error', (error) => log.warn('reply-not-sent', { why: error.message }))
  try {
    const subject = subjectOf(request)
    const method = methodOf(request)
    const body = parseBody(await readBody(request, requestBytesMax))
    reply(response, 200, await handler(method, body, { subject }))
  } catch (error) {
    const record = toErrorRecord(error)
    if (record.class === 'bug') log.warn('bug', { path: request.url ?? '', message: record.message })
    // What was not read of the request must not be taken for the next one.
    if (!request.complete) response.setHeader('connection', 'close')
    reply(response, statusOf[record.class], { error: record as unknown as Json })
  }
}

function reply(response: ServerResponse, status: number, body: Json): void {
  if (response.destroyed) return
  const bytes = Buffer.from(JSON.stringify(body))
  response.sendDate = false
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
  response.end(bytes)
}

/** Verified by TLS already; a certificate of the estate that names neither a host nor a principal is nobody. */
function subjectOf(request: IncomingMessage): string {
  const socket = request.socket as TLSSocket
  const name = socket.authorized ? socket.getPeerCertificate().subject.CN : undefined
  if (typeof name === 'string' && subjectForm.test(name)) return name
  throw badRequest('NETWORK_PEER_UNKNOWN', 'refused', 'your certificate names neither a host nor a principal')
}

function methodOf(request: IncomingMessage): string {
  const method = path.exec(request.url ?? '')?.[1]
  if (method === undefined || request.method !== 'POST') {
    throw badRequest('NETWORK_NO_SUCH_METHOD', 'permanent', 'only POST /v1/<method> is served here')
  }
  if (request.headers['content-type']?.split(';')[0]?.trim() === 'application/json') return method
  throw badRequest('NETWORK_CONTENT_TYPE', 'permanent', 'only application/json is read here')
}

function badRequest(code: string, errorClass: ErrorClass, message: string): RecoveryError {
  return new RecoveryError({ code, class: errorClass, message, hint: 'call it through `pointzero`' })
}

function notListening(on: Endpoint, cause: Error): RecoveryError {
  return new RecoveryError({
    code: 'NETWORK_NOT_LISTENING',
    class: 'permanent',
    message: `can not listen on ${on.address} port ${on.port}: ${cause.message}`,
    hint: 'see who has the port with `ss -ltnp`, or change it in the estate',
    cause,
  })
}
