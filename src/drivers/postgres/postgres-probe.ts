import { connect } from 'node:net'
import type { Clock } from '../../ports/clock.ts'
import type { DatabaseProbe } from '../../ports/database-member.ts'

/**
 * GSSENCRequest: length 8, code 80877104. It needs no user, and a client that leaves after the answer is not logged. (One that leaves after
 * SSLRequest is, by every server with a certificate: several lines a second, for ever.)
 */
const gssRequest = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 48])

/**
 * The kernel accepts connections for a stopped process. Only a postmaster that still forks answers the request, with one byte:
 * `G` or `N`, or `E` when it has no connection to give (it lives all the same).
 */
export function openPostgresProbe(clock: Clock): DatabaseProbe {
  return { answers: async (address, port, timeoutMs) => await answers(clock, address, port, timeoutMs) }
}

async function answers(clock: Clock, address: string, port: number, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController()
  const socket = connect({ host: address, port, noDelay: true })
  try {
    return await new Promise<boolean>((resolve) => {
      clock.sleep(timeoutMs, timer.signal).then(
        () => resolve(false),
        () => resolve(false),
      )
      socket.once('connect', () => socket.write(gssRequest))
      socket.once('data', (chunk) => resolve('GNE'.includes(String.fromCharCode(chunk[0] as number))))
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
    })
  } finally {
    timer.abort()
    socket.destroy()
  }
}
