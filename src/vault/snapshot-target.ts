import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { assert } from '../domain/recovery-error.ts'
import type { RestoreFile, RestoreTarget } from '../ports/restore-target.ts'
import { parseBackupManifest } from '../protocol/backup-manifest.ts'
import { joinBytes } from '../protocol/postgres-message.ts'
import type { ChunkReference, ChunkWriter } from './chunk-writer.ts'
import { encodeTableLine } from './file-table.ts'
import type { Extent, TableEntry } from './file-table.ts'
import { chunkBytes } from './vault-limits.ts'

type PlacedChunk = readonly [lengthBytes: number, placed: Promise<ChunkReference>]

interface TakenFile {
  bytes: number
  /** Of files that PostgreSQL's manifest does not list. */
  sha256: string
  extents: readonly Extent[]
}

/** A stream that is a part of the snapshot itself: the file table, backup_manifest. */
export interface StoredStream {
  readonly bytes: number
  readonly chunks: [number, number][]
}

const manifestPath = 'backup_manifest'

/**
 * Takes the files of a base backup where a restore would write them: the copying, with all of its checks, is that of a clone.
 * Nothing of it counts before the manifest of the snapshot is stored.
 */
export class SnapshotTarget implements RestoreTarget {
  readonly name: string
  readonly #chunks: ChunkWriter
  readonly #directories: string[] = []
  readonly #files = new Map<string, TakenFile>()
  #backupManifest: Uint8Array[] = []

  constructor(name: string, chunks: ChunkWriter) {
    this.name = name
    this.#chunks = chunks
  }

  get fileCount(): number {
    return this.#files.size
  }

  async claim(): Promise<void> {
    // A snapshot has a name of its own and is never begun twice.
  }

  async createDirectory(path: string): Promise<void> {
    this.#directories.push(path)
  }

  async createFile(path: string): Promise<RestoreFile> {
    assert(!this.#files.has(path), 'a file of a snapshot is written once')
    if (path === manifestPath) return this.#keepManifest()
    const taken: TakenFile = { bytes: 0, sha256: '', extents: [] }
    this.#files.set(path, taken)
    // WAL is not in PostgreSQL's manifest. pg_control comes last, under another name.
    const hash = path.startsWith('pg_wal/') ? createHash('sha256') : undefined
    return new ChunkedFile(this.#chunks, taken, hash)
  }

  async rename(from: string, to: string): Promise<void> {
    const taken = this.#files.get(from)
    assert(taken !== undefined && !this.#files.has(to), 'a rename moves a file to a free name')
    this.#files.delete(from)
    this.#files.set(to, taken)
  }

  async syncDirectory(): Promise<void> {
    // Durable is what the store has acknowledged: see ChunkWriter.finish.
  }

  /** backup_manifest verbatim, then the table of every file. */
  async storeStreams(): Promise<{ readonly files: StoredStream; readonly backupManifest: StoredStream }> {
    const manifest = joinBytes(this.#backupManifest)
    this.#backupManifest = []
    const digests = new Map(parseBackupManifest(manifest).files.map(({ path, sha256 }) => [path, sha256]))
    const backupManifest = await this.#store([manifest])
    return { backupManifest, files: await this.#store(this.#lines(digests)) }
  }

  *#lines(digests: ReadonlyMap<string, string>): Generator<Uint8Array, void, undefined> {
    for (const path of this.#directories) yield encodeTableLine({ kind: 'directory', path })
    for (const [path, { bytes, sha256, extents }] of this.#files) {
      const digest = digests.get(path) ?? sha256
      assert(digest !== '', 'every file of a snapshot has a digest')
      const entry: TableEntry = { kind: 'file', path, bytes, sha256: digest, extents }
      yield encodeTableLine(entry)
    }
  }

  async #store(pieces: Iterable<Uint8Array>): Promise<StoredStream> {
    const taken: TakenFile = { bytes: 0, sha256: '', extents: [] }
    const file = new ChunkedFile(this.#chunks, taken, undefined)
    for (const piece of pieces) await file.write([piece])
    const chunks = await file.chunks()
    return { bytes: taken.bytes, chunks: chunks.map(({ pack, ordinal }) => [pack, ordinal]) }
  }

  #keepManifest(): RestoreFile {
    return {
      write: async (pieces) => {
        this.#backupManifest.push(...pieces.map((piece) => piece.slice()))
      },
      async sync() {
        // Stored with the streams.
      },
      async close() {
        // Nothing is open.
      },
    }
  }
}

/** One file on its way into chunks. */
class ChunkedFile implements RestoreFile {
  readonly #writer: ChunkWriter
  readonly #taken: TakenFile
  readonly #hash: Hash | undefined
  readonly #placed: PlacedChunk[] = []
  #room: Uint8Array | undefined
  #bytes = 0

  constructor(writer: ChunkWriter, taken: TakenFile, hash: Hash | undefined) {
    this.#writer = writer
    this.#taken = taken
    this.#hash = hash
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      this.#hash?.update(piece)
      this.#taken.bytes += piece.length
      for (let at = 0; at < piece.length;) {
        const part = piece.subarray(at, at + chunkBytes - this.#bytes)
        this.#room ??= this.#writer.room()
        this.#room.set(part, this.#bytes)
        this.#bytes += part.length
        at += part.length
        if (this.#bytes === chunkBytes) await this.#cut()
      }
    }
  }

  /** The file is complete: every chunk has its place. */
  async sync(): Promise<void> {
    const references = await this.chunks()
    this.#taken.extents = extentsOf(
      references.map((reference, index) => ({
        ...reference,
        bytes: (this.#placed[index] as PlacedChunk)[0],
      })),
    )
    if (this.#hash !== undefined) this.#taken.sha256 = this.#hash.digest('hex')
  }

  async close(): Promise<void> {
    // Nothing is open.
  }

  async chunks(): Promise<readonly ChunkReference[]> {
    if (this.#bytes > 0) await this.#cut()
    return Promise.all(this.#placed.map(([, placed]) => placed))
  }

  async #cut(): Promise<void> {
    const room = this.#room
    const bytes = this.#bytes
    assert(room !== undefined, 'a chunk that is cut holds something')
    this.#room = undefined
    this.#bytes = 0
    this.#placed.push([bytes, (await this.#writer.add(room, bytes)).placed])
  }
}

/** Chunks that follow each other in one pack are one extent. */
function extentsOf(chunks: readonly (ChunkReference & { readonly bytes: number })[]): readonly Extent[] {
  const extents: Extent[] = []
  let offset = 0
  let next: { pack: number; ordinal: number } | undefined
  for (const { pack, ordinal, bytes } of chunks) {
    const last = extents.at(-1)
    if (last !== undefined && next?.pack === pack && next.ordinal === ordinal) {
      extents[extents.length - 1] = [last[0], last[1] + bytes, last[2], last[3], last[4]]
    } else extents.push([offset, bytes, pack, ordinal, 0])
    offset += bytes
    next = { pack, ordinal: ordinal + 1 }
  }
  return extents
}
