import { protocolViolation } from './protocol-violation.ts'
import { viewOf } from './view-of.ts'

const text = new TextDecoder('utf-8')

/** Reads big-endian fields from one message and refuses to read past its end. Returned bytes are views. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8))
  }

  bytes(length: number): Uint8Array {
    if (length < 0) throw protocolViolation(`negative length ${length}`)
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining)
  }

  /** A string that ends with a zero byte. */
  cString(): string {
    const end = this.#bytes.indexOf(0, this.#offset)
    if (end < 0) throw protocolViolation('a string without its end')
    const value = text.decode(this.bytes(end - this.#offset))
    this.#offset += 1
    return value
  }

  #take(length: number): number {
    if (length > this.remaining) {
      throw protocolViolation(`a message is too short: ${length} bytes wanted, ${this.remaining} left`)
    }
    const start = this.#offset
    this.#offset += length
    return start
  }
}
