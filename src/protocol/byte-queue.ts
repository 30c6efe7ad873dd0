/**
 * Chunks as they arrived, taken out again in pieces of any size. A piece that lies in one chunk is a view of it; one that spans
 * several is copied.
 */
export class ByteQueue {
  readonly #chunks: Uint8Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /** Copies what is left, so that whoever pushed it may write over it. */
  own(): void {
    if (this.#length > 0) this.push(this.take(this.#length).slice())
  }

  /** Takes exactly `length` bytes; the caller checked that they are there. */
  take(length: number): Uint8Array {
    if (length > this.#length) throw new RangeError(`${length} bytes of ${this.#length}`)
    const first = this.#chunks[0]
    if (first === undefined || length === 0) return new Uint8Array(0)
    if (length <= first.length) return this.#takeFromFirst(first, length)
    const joined = new Uint8Array(length)
    for (let filled = 0; filled < length;) {
      const chunk = this.#chunks[0] as Uint8Array
      const piece = this.#takeFromFirst(chunk, Math.min(chunk.length, length - filled))
      joined.set(piece, filled)
      filled += piece.length
    }
    return joined
  }

  /** Takes what the first chunk holds, at most `length` bytes: never copies. */
  takeAtMost(length: number): Uint8Array {
    const first = this.#chunks[0]
    if (first === undefined) return new Uint8Array(0)
    return this.#takeFromFirst(first, Math.min(first.length, length))
  }

  #takeFromFirst(first: Uint8Array, length: number): Uint8Array {
    if (length === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(length)
    this.#length -= length
    return first.subarray(0, length)
  }
}
