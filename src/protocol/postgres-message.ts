import { ByteQueue } from './byte-queue.ts'
import { protocolViolation } from './protocol-violation.ts'

/** One message of the server: its type letter and its body without type and length. The body may be kept. */
export interface BackendMessage {
  readonly type: string
  readonly body: Uint8Array
}

/** The largest message accepted. A server sends up to 128 KiB of WAL and 32 KiB of a base backup at once. */
export const defaultMessageLimitBytes = 16 * 1024 * 1024
/** Until the peer proved who it is, it may not make us hold more than this. */
export const handshakeMessageLimitBytes = 64 * 1024

/** Cuts the byte stream of the server into messages. */
export class MessageScanner {
  readonly #queue = new ByteQueue()
  #limitBytes = handshakeMessageLimitBytes

  /** Bytes that do not form a message yet. */
  get bufferedBytes(): number {
    return this.#queue.length
  }

  setLimit(limitBytes: number): void {
    this.#limitBytes = limitBytes
  }

  push(chunk: Uint8Array): void {
    this.#queue.push(chunk)
  }

  next(): BackendMessage | undefined {
    const queue = this.#queue
    if (queue.length < 5) return undefined
    const type = String.fromCharCode(queue.byteAt(0))
    const length =
      queue.byteAt(1) * 0x1000000 + queue.byteAt(2) * 0x10000 + queue.byteAt(3) * 0x100 + queue.byteAt(4)
    if (length < 4) throw protocolViolation(`message ${JSON.stringify(type)} claims ${length} bytes`)
    if (length > this.#limitBytes) {
      throw protocolViolation(
        `message ${JSON.stringify(type)} claims ${length} bytes, ${this.#limitBytes} are allowed`,
      )
    }
    if (queue.length < length + 1) return undefined
    queue.take(5)
    return { type, body: queue.take(length - 4) }
  }
}

const encoder = new TextEncoder()

export function cString(value: string): Uint8Array {
  if (value.includes('\0')) throw protocolViolation('a value holds a zero byte')
  return encoder.encode(`${value}\0`)
}

export function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value)
  return bytes
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** A frontend message with its type letter. */
export function encodeMessage(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((total, part) => total + part.length, 4)
  return joinBytes([encoder.encode(type), int32(length), ...parts])
}

function encodeUntyped(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((total, part) => total + part.length, 4)
  return joinBytes([int32(length), ...parts])
}

export function encodeSslRequest(): Uint8Array {
  return encodeUntyped(int32(80877103))
}

/** Protocol 3.0. An empty value ends the list on the wire, so it is left out. */
export function encodeStartup(parameters: Readonly<Record<string, string>>): Uint8Array {
  const pairs = Object.entries(parameters)
    .filter(([, value]) => value !== '')
    .flatMap(([name, value]) => [cString(name), cString(value)])
  return encodeUntyped(int32(0x0003_0000), ...pairs, new Uint8Array(1))
}

export function encodeQuery(sql: string): Uint8Array {
  return encodeMessage('Q', cString(sql))
}

export function encodePassword(password: string): Uint8Array {
  return encodeMessage('p', cString(password))
}

export function encodeSaslInitialResponse(mechanism: string, response: string): Uint8Array {
  const bytes = encoder.encode(response)
  return encodeMessage('p', cString(mechanism), int32(bytes.length), bytes)
}

export function encodeSaslResponse(response: string): Uint8Array {
  return encodeMessage('p', encoder.encode(response))
}

export function encodeCopyData(bytes: Uint8Array): Uint8Array {
  return encodeMessage('d', bytes)
}

export function encodeCopyDone(): Uint8Array {
  return encodeMessage('c')
}

export function encodeCopyFail(reason: string): Uint8Array {
  return encodeMessage('f', cString(reason))
}

export function encodeTerminate(): Uint8Array {
  return encodeMessage('X')
}
