import { createHash } from 'node:crypto'
import type { ArchiveReader } from '../ports/recovery-source.ts'

export interface FileDigest {
  /** Read, which is less than what was asked for where the file ends before. */
  readonly bytes: number
  /** SHA-256, in hexadecimal. */
  readonly sha256: string
  /** The beginning of it, at most as much as is read at once. */
  readonly head: Uint8Array
  /** Not one byte of it is anything else. */
  readonly isZeros: boolean
}

const pieceBytes = 1 << 20

/** Of the first `length` bytes, read in pieces: whole segments in memory would be most of what a process needs. */
export async function digestOf(
  archive: ArchiveReader,
  path: string,
  length = Number.POSITIVE_INFINITY,
): Promise<FileDigest> {
  const hash = createHash('sha256')
  let head: Uint8Array | undefined
  let bytes = 0
  let isZeros = true
  for (;;) {
    const wanted = Math.min(pieceBytes, length - bytes)
    const piece = await archive.read(path, bytes, wanted)
    head ??= piece
    hash.update(piece)
    isZeros &&= piece.every((byte) => byte === 0)
    bytes += piece.length
    if (piece.length < wanted || bytes === length) return { bytes, head, isZeros, sha256: hash.digest('hex') }
  }
}
