import { assert } from '../domain/recovery-error.ts'
import { protocolViolation } from './protocol-violation.ts'

/** One message of the server: its type letter and its body without type and length. The body is overwritten by what comes after it. */
export interface BackendMessage {
  readonly type: string
  readonly body: Uint8Array
}

/** The largest message accepted. A server sends up to 128 KiB of WAL and 32 KiB of a base backup at once. */
export const defaultMessageLimitBytes = 16 * 1024 * 1024
/** Until the peer proved who it is, it may not make us hold more than this. */
export const handshakeMessageLimitBytes = 64 * 1024
/** Type and length. */
const headerBytes = 5
/** A room beyond this was made for one large message and is not kept. */
const keptRoomBytes = 256 * 1024

/**
 * Cuts the byte stream of the server into messages. A message that lies in one chunk is a view of it; one that spans several is put
 * together in a room that is used again. So a body is good until the next call, and a chunk until `next` found no more in it.
 */
export class MessageScanner {
  #limitBytes = handshakeMessageLimitBytes
  #chunk: Uint8Array = new Uint8Array(0)
  #at = 0
  /** The beginning of a message that is not whole yet. */
  #room: Uint8Array = new Uint8Array(0)
  #heldBytes = 0

  /** Bytes that do not form a message yet. */
  get bufferedBytes(): number {
    return this.#heldBytes + this.#chunk.length - this.#at
  }

  setLimit(limitBytes: number): void {
    this.#limitBytes = limitBytes
  }

  /** Only after `next` had no more. */
  push(chunk: Uint8Array): void {
    assert(this.#at === this.#chunk.length, 'a chunk is read to its end before the next one')
    this.#chunk = chunk
    this.#at = 0
  }

  next(): BackendMessage | undefined {
    if (this.#heldBytes > 0) return this.#fromRoom()
    if (this.#room.length > keptRoomBytes) this.#room = new Uint8Array(0)
    const chunk = this.#chunk
    const start = this.#at
    const left = chunk.length - start
    const bytes = left < headerBytes ? Number.POSITIVE_INFINITY : this.#messageBytes(chunk, start)
    if (left < bytes) {
      this.#hold(left)
      return undefined
    }
    this.#at += bytes
    return messageOf(chunk.subarray(start, this.#at))
  }

  #fromRoom(): BackendMessage | undefined {
    if (!this.#holdUpTo(headerBytes)) return undefined
    const bytes = this.#messageBytes(this.#room, 0)
    if (!this.#holdUpTo(bytes)) return undefined
    this.#heldBytes = 0
    return messageOf(this.#room.subarray(0, bytes))
  }

  /** False when the chunk ended before so many bytes were together. */
  #holdUpTo(bytes: number): boolean {
    const missing = Math.max(0, bytes - this.#heldBytes)
    this.#hold(Math.min(missing, this.#chunk.length - this.#at))
    return this.#heldBytes >= bytes
  }

  /** The room grows by what arrived, not by what a message claims. */
  #hold(bytes: number): void {
    const heldBytes = this.#heldBytes + bytes
    if (heldBytes > this.#room.length) {
      const room = new Uint8Array(2 * heldBytes)
      room.set(this.#room.subarray(0, this.#heldBytes))
      this.#room = room
    }
    this.#room.set(this.#chunk.subarray(this.#at, this.#at + bytes), this.#heldBytes)
    this.#heldBytes = heldBytes
    this.#at += bytes
  }

  /** With type and length. */
  #messageBytes(bytes: Uint8Array, at: number): number {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at, headerBytes).getUint32(1)
    const type = () => JSON.stringify(String.fromCharCode(bytes[at] as number))
    if (length < 4) throw protocolViolation(`message ${type()} claims ${length} bytes`)
    if (length > this.#limitBytes) {
      throw protocolViolation(`message ${type()} claims ${length} bytes, ${this.#limitBytes} are allowed`)
    }
    return length + 1
  }
}

function messageOf(bytes: Uint8Array): BackendMessage {
  return { type: String.fromCharCode(bytes[0] as number), body: bytes.subarray(headerBytes) }
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
