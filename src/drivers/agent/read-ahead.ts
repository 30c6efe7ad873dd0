import { copiesBytesMax } from '../../ports/copies-wire.ts'

const blockBytes = copiesBytesMax
/** Blocks of one object that are asked for before they are needed. */
const aheadBlocks = 2
/** 64 MiB. */
const heldBlocks = 16

/** Bytes of the object from this offset on; fewer than asked for at its end. */
export type ReadBlock = (name: string, offset: number, length: number) => Promise<Uint8Array>

/**
 * Reads things that never change in blocks, the next ones before they are asked for: who reads forward waits for the network once, not
 * for every piece.
 */
export class ReadAhead {
  readonly #read: ReadBlock
  /** In the order of their last use. */
  readonly #blocks = new Map<string, Promise<Uint8Array>>()
  /** A short block is the last one of its object. */
  readonly #lastBlocks = new Map<string, number>()

  constructor(read: ReadBlock) {
    this.#read = read
  }

  /** Fewer bytes than asked for where it ends. */
  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    const first = Math.floor(offset / blockBytes)
    const last = Math.floor(Math.max(offset, offset + length - 1) / blockBytes)
    const wanted = Array.from({ length: last - first + 1 }, async (_, at) => this.#block(name, first + at))
    const blocks = await Promise.all(wanted)
    this.#lookAhead(name, last)
    const from = offset - first * blockBytes
    if (blocks.length === 1) return (blocks[0] as Uint8Array).slice(from, from + length)
    return new Uint8Array(Buffer.concat(blocks).subarray(from, from + length))
  }

  #lookAhead(name: string, last: number): void {
    const end = Math.min(this.#lastBlocks.get(name) ?? Number.POSITIVE_INFINITY, last + aheadBlocks)
    for (let next = last + 1; next <= end; next += 1) this.#block(name, next).catch(() => undefined)
  }

  /** What failed is forgotten, and asked for again by the next one who needs it. */
  async #block(name: string, index: number): Promise<Uint8Array> {
    const key = `${index} ${name}`
    const block = this.#blocks.get(key) ?? this.#read(name, index * blockBytes, blockBytes)
    this.#blocks.delete(key)
    this.#blocks.set(key, block)
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= heldBlocks) break
      this.#blocks.delete(oldest)
    }
    try {
      const bytes = await block
      if (bytes.length < blockBytes) this.#lastBlocks.set(name, index)
      return bytes
    } catch (error) {
      if (this.#blocks.get(key) === block) this.#blocks.delete(key)
      throw error
    }
  }
}
