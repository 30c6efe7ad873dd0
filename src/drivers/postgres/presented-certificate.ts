import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../../ports/clock.ts'
import { withDeadline } from './deadline.ts'
import { isTlsRefusal, unreachable } from './postgres-failure.ts'

/** SSLRequest: length 8, code 80877103. */
const sslRequest = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47])

export interface AskedServer {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly authority: string
}

/**
 * SHA-256 of the certificate that a server shows to whoever connects. `undefined` when it speaks no TLS, or shows one that is not of the
 * authority for that very address: what no other member would accept. Nobody logs in.
 */
export async function presentedCertificate(
  clock: Clock,
  { name, address, port, authority }: AskedServer,
  timeoutMs: number,
): Promise<string | undefined> {
  const socket = connect({ host: address, port, noDelay: true })
  // Its end in the middle of an answer is told by what waits for the answer.
  socket.on('error', () => undefined)
  const ask = async (): Promise<string | undefined> => {
    await once(socket, 'connect')
    socket.write(sslRequest)
    const [answer] = (await once(socket, 'data')) as [Uint8Array]
    if (String.fromCharCode(answer[0] ?? 0) !== 'S') return undefined
    const secure = connectTls({ socket, host: address, ca: authority, minVersion: 'TLSv1.3' })
    try {
      await once(secure, 'secureConnect')
      return secure.getPeerX509Certificate()?.fingerprint256
    } catch (error) {
      if (isTlsRefusal(error)) return undefined
      throw error
    }
  }
  try {
    const late = (): Error => unreachable(name, `no certificate within ${timeoutMs} ms`)
    return await withDeadline(clock, timeoutMs, ask(), late)
  } finally {
    socket.destroy()
  }
}
