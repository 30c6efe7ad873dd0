import type { Socket } from 'node:net'
import type { Clock } from '../../ports/clock.ts'

const patienceMs = 2_000
/** A startup packet is shorter. */
const longestBytes = 10_000
const encryptionRequests: readonly number[] = [80_877_103, 80_877_104]

/**
 * Answers a client of PostgreSQL as a server does that takes nobody now: SQLSTATE 57P03 and the message. What is no client of PostgreSQL, or
 * says nothing, is closed.
 */
export async function refusePostgres(client: Socket, message: string, clock: Clock): Promise<void> {
  const over = new AbortController()
  let received: Buffer = Buffer.alloc(0)
  client.on('error', () => client.destroy())
  client.once('close', () => over.abort())
  client.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    received = answer(client, received, message)
  })
  client.resume()
  try {
    await clock.sleep(patienceMs, over.signal)
  } catch {
    return // closed already
  }
  client.destroy()
}

/** What is left to read. */
function answer(client: Socket, received: Buffer, message: string): Buffer {
  if (received.length < 8) return received
  const length = received.readInt32BE(0)
  if (length < 8 || length > longestBytes) {
    client.destroy()
    return Buffer.alloc(0)
  }
  if (received.length < length) return received
  if (encryptionRequests.includes(received.readInt32BE(4))) {
    client.write('N')
    return answer(client, received.subarray(length), message)
  }
  client.end(errorResponse(message))
  return Buffer.alloc(0)
}

export function errorResponse(message: string): Buffer {
  const fields = `SFATAL\0VFATAL\0C57P03\0M${message.replaceAll('\0', '')}\0\0`
  const body = Buffer.from(fields, 'utf8')
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
