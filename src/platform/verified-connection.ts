import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Endpoint } from '../ports/network.ts'
import type { TlsIdentity } from './certificates.ts'

/**
 * When another attempt is made beside one that stands still, counted from the first. A handshake takes some milliseconds; a lost SYN is
 * sent again by the system only after 1 s (RFC 6298), and a failover must not wait for that.
 */
const moreAfterMs = [500, 1_500] as const

export interface VerifiedPeer {
  readonly to: Endpoint
  /** The subject that its certificate must name; absent: the certificate must carry the address. */
  readonly expectSubject?: string
}

interface Attempt {
  readonly line: Socket
  readonly socket: TLSSocket
}

/**
 * A TLS 1.3 connection on which both certificates were verified: not a byte of a request goes to anybody else. Nothing but handshakes is
 * sent, so several attempts do no harm; the first to end decides, the others are closed. Rejects with what went wrong, after `timeoutMs`
 * at the latest.
 */
export async function openVerifiedConnection(
  identity: TlsIdentity,
  peer: VerifiedPeer,
  timeoutMs: number,
): Promise<TLSSocket> {
  const attempts: Attempt[] = []
  const startedMs = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const begin = (): void => {
    const attempt = open(identity, peer)
    attempts.push(attempt)
    attempt.socket.once('secureConnect', () => resolve(attempt.socket))
    // Stays after it was decided: an error that nobody hears would end the process.
    attempt.socket.on('error', reject)
  }
  begin()
  const timers = moreAfterMs.filter((afterMs) => afterMs < timeoutMs).map((ms) => setTimeout(begin, ms))
  const late = () => reject(new Error(noAnswer(attempts, timeoutMs, performance.now() - startedMs)))
  timers.push(setTimeout(late, timeoutMs))
  let ready: TLSSocket | undefined
  try {
    ready = await promise
    return ready
  } finally {
    for (const timer of timers) clearTimeout(timer)
    for (const { socket } of attempts) if (socket !== ready) socket.destroy()
  }
}

function open(identity: TlsIdentity, { to, expectSubject }: VerifiedPeer): Attempt {
  const { address, port } = to
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
  return { line, socket }
}

/** How far it came, and whether it is this process that was slow: without that nobody can say afterwards which side stood still. */
function noAnswer(attempts: readonly Attempt[], timeoutMs: number, waitedMs: number): string {
  const asked = attempts.length === 1 ? 'the connection attempt' : `${attempts.length} connection attempts`
  const lines = attempts.map(({ line }) => reached(line)).join('; ')
  const lateMs = Math.round(waitedMs - timeoutMs)
  const stood = lateMs > 500 ? `; this process itself stood still for ${lateMs} ms` : ''
  return `no answer to ${asked} within ${timeoutMs} ms (${lines})${stood}`
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
