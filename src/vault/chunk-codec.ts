import { promisify } from 'node:util'
import {
  constants,
  createZstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'
import type { ZstdCompress } from 'node:zlib'

/** The first byte of what is sealed says how to read the rest; 2 (deflate) and 3 (brotli) are reserved. */
export const codecs = { none: 0, zstd: 1 } as const

export interface Packed {
  readonly codec: number
  readonly bytes: Uint8Array
}

const decompressInPool = promisify(zstdDecompress)
/** Below this a trip to the thread pool costs more than the work. */
const inlineBytes = 32 * 1024
/** Output buffers of this size: small enough to stay in the cache, large enough that few calls are needed. */
const outputBytes = 256 * 1024
/** zlib takes no less. */
const smallestOutputBytes = 64
const compressParams = { [constants.ZSTD_c_compressionLevel]: 1 }
/** A frame may not ask for a window of more than 1 MiB. */
const decompressParams = { [constants.ZSTD_d_windowLogMax]: 20 }

/**
 * Compresses contents side by side, each into a zstd frame of its own at level 1. What zstd works with is kept from one content to the next:
 * making it anew costs a quarter of the compression, and an output buffer for each would keep the garbage collector busy.
 */
export class Compressor {
  readonly #idle: ZstdCompress[] = []
  readonly #all: ZstdCompress[] = []

  /** A frame, or the content itself when that is not longer. The content is not written to until it resolves. */
  async compress(content: Uint8Array): Promise<Packed> {
    const bytes = content.length < inlineBytes ? compressInline(content) : await this.#inPool(content)
    return bytes.length < content.length
      ? { codec: codecs.zstd, bytes }
      : { codec: codecs.none, bytes: content }
  }

  /** Idempotent. Nothing is being compressed any more. */
  close(): void {
    for (const stream of this.#all) stream.close()
  }

  async #inPool(content: Uint8Array): Promise<Uint8Array> {
    const stream = this.#idle.pop() ?? this.#open()
    const pieces: Uint8Array[] = []
    const take = (piece: Uint8Array) => void pieces.push(piece)
    stream.on('data', take)
    try {
      // All of its output was handed out when a write is over.
      await new Promise<void>((resolve, reject) => {
        stream.write(content, (error) => (error ? reject(error) : resolve()))
      })
    } finally {
      stream.off('data', take)
    }
    this.#idle.push(stream)
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
  }

  #open(): ZstdCompress {
    // Each write ends a frame.
    const stream = createZstdCompress({
      flush: constants.ZSTD_e_end,
      chunkSize: outputBytes,
      params: compressParams,
    })
    // The write that fails says so itself.
    stream.on('error', () => undefined)
    this.#all.push(stream)
    return stream
  }
}

function compressInline(content: Uint8Array): Uint8Array {
  const chunkSize = Math.max(content.length, smallestOutputBytes)
  return zstdCompressSync(content, { chunkSize, pledgedSrcSize: content.length, params: compressParams })
}

/** Exactly `contentBytes`, or it throws; never makes more than that, whatever the frame claims. */
export async function decompress(packed: Packed, contentBytes: number): Promise<Uint8Array> {
  const content = await unpack(packed, contentBytes)
  if (content.length === contentBytes) return content
  throw new RangeError(`${content.length} bytes of content instead of ${contentBytes}`)
}

async function unpack({ codec, bytes }: Packed, contentBytes: number): Promise<Uint8Array> {
  if (codec === codecs.none) return bytes
  if (codec !== codecs.zstd) throw new RangeError(`codec ${codec} is unknown`)
  const limit = Math.max(contentBytes, 1)
  // One byte more than can come: into a buffer that is full another one is made, for nothing.
  const options = {
    chunkSize: Math.max(limit + 1, smallestOutputBytes),
    maxOutputLength: limit,
    params: decompressParams,
  }
  return contentBytes < inlineBytes
    ? zstdDecompressSync(bytes, options)
    : await decompressInPool(bytes, options)
}
