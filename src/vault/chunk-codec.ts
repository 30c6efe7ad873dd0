import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import { promisify } from 'node:util'

/** The first byte of what is sealed says how to read the rest; 2 (deflate) and 3 (brotli) are reserved. */
export const codecs = { none: 0, zstd: 1 } as const

export interface Packed {
  readonly codec: number
  readonly bytes: Uint8Array
}

const compressInPool = promisify(zstdCompress)
const decompressInPool = promisify(zstdDecompress)
/** Below this a trip to the thread pool costs more than the work. */
const inlineBytes = 32 * 1024
/** Output buffers of this size: small enough to stay in the cache, large enough that few calls are needed. */
const outputBytes = 256 * 1024
const compressParams = { [constants.ZSTD_c_compressionLevel]: 1 }
/** A frame may not ask for a window of more than 1 MiB. */
const decompressParams = { [constants.ZSTD_d_windowLogMax]: 20 }

/** zstd at level 1 in a frame of its own, or the content itself when that is not shorter. */
export async function compress(content: Uint8Array): Promise<Packed> {
  const options = { chunkSize: outputBytes, pledgedSrcSize: content.length, params: compressParams }
  const bytes =
    content.length < inlineBytes
      ? zstdCompressSync(content, { ...options, chunkSize: inlineBytes })
      : await compressInPool(content, options)
  return bytes.length < content.length
    ? { codec: codecs.zstd, bytes }
    : { codec: codecs.none, bytes: content }
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
  const options = { chunkSize: Math.max(limit + 1, 64), maxOutputLength: limit, params: decompressParams }
  return contentBytes < inlineBytes
    ? zstdDecompressSync(bytes, options)
    : await decompressInPool(bytes, options)
}
