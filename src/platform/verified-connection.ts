import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Endpoint } from '../ports/network.ts'
import type { TlsIdentity } from './certificates.ts'

export interface VerifiedPeer {
  readonly to: Endpoint
  /** The subject that its certificate must name; undefined: the certificate must carry the address. */
  readonly expectSubject: string | undefined
}

/**
 * A TLS 1.3 connection on which both certificates were verified: not a byte of a request goes to anybody else. Rejects with what went wrong,
 * after `timeoutMs` at the latest.
 */
export async function openVerifiedConnection(
  identity: TlsIdentity,
  { to, expectSubject }: VerifiedPeer,
  timeoutMs: number,
): Promise<TLSSocket> {
  const { address, port } = to
  const startedMs = performance.now()
  const line = connectTcp({ host: address, port, noDelay: true })
  const socket = connectTls({
    socket: line,
    host: address,
    minVersion: 'TLSv1.3',
    ca: identity.authorityPem,
    cert: identity.certificatePem,
    key: identity.privateKeyPem,
    ...(isIP(address) === 0 ? { servername: address } : {}),
    checkServerIdentity: (host, certificate) => {
      if (expectSubject === undefined) return checkServerIdentity(host, certificate)
      const found = String(certificate.subject.CN)
      return found === expectSubject ? undefined : otherPeer(to, expectSubject, found)
    },
  })
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const timer = setTimeout(() => {
    socket.destroy(new Error(noAnswer(line, timeoutMs, performance.now() - startedMs)))
  }, timeoutMs)
  socket.once('secureConnect', () => resolve(socket))
  // Stays for as long as the connection does: an error that nobody hears would end the process.
  socket.on('error', reject)
  return await promise.finally(() => clearTimeout(timer))
}

/** How far it came, and whether it is this process that was slow: without that nobody can say afterwards which side stood still. */
function noAnswer(line: Socket, timeoutMs: number, waitedMs: number): string {
  const lateMs = Math.round(waitedMs - timeoutMs)
  const stood = lateMs > 500 ? `; this process itself stood still for ${lateMs} ms` : ''
  return `no answer to the connection attempt within ${timeoutMs} ms (${reached(line)})${stood}`
}

function reached({ connecting, bytesWritten, bytesRead, localPort }: Socket): string {
  return connecting
    ? 'no TCP connection'
    : `TCP from port ${localPort ?? 0}, ${bytesWritten} bytes sent, ${bytesRead} received, TLS not agreed`
}

function otherPeer(to: Endpoint, expected: string, found: string): RecoveryError {
  return new RecoveryError({
    code: 'NETWORK_OTHER_PEER',
    class: 'refused',
    message: `${to.address} port ${to.port} is ${found}, not ${expected}`,
    hint: 'compare the addresses in the estate with the hosts; somebody may have taken the address',
  })
}
