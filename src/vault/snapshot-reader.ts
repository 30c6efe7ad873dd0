import { parseBackupManifest } from '../protocol/backup-manifest.ts'
import { joinBytes } from '../protocol/postgres-message.ts'
import { readAddedKeys } from './added-keys.ts'
import { FileTableReader } from './file-table.ts'
import type { TableEntry } from './file-table.ts'
import { readPackList } from './known-chunks.ts'
import type { Manifest } from './manifest.ts'
import { PackReader } from './pack-reader.ts'
import type { AddedKeys } from './pack-reader.ts'
import type { PackReference } from './pack-list.ts'
import type { RecoveryKey } from './recipient.ts'
import { damaged } from './vault-damage.ts'
import type { Vault } from './vault-descriptor.ts'
import { backupManifestMaxBytes } from './vault-limits.ts'

/** A piece of a file: part of the content of one chunk, in a buffer of its own. A damaged one rejects; those after it can be read. */
export interface FilePiece {
  readonly bytes: Promise<Uint8Array>
}

/** One that nobody has asked for yet. */
export interface PlannedPiece {
  read(): FilePiece
}

/** Packs that are open at once; each may hold a window of 2 MiB. */
const openPacksMax = 12

/** A genuine snapshot, opened with a recovery key. */
export class SnapshotReader {
  readonly manifest: Manifest
  readonly packs: readonly PackReference[]
  readonly #vault: Vault
  readonly #key: RecoveryKey
  readonly #added: AddedKeys
  readonly #open = new Map<number, Promise<PackReader>>()

  private constructor(
    vault: Vault,
    manifest: Manifest,
    packs: readonly PackReference[],
    key: { readonly key: RecoveryKey; readonly added: AddedKeys },
  ) {
    this.#vault = vault
    this.manifest = manifest
    this.packs = packs
    this.#key = key.key
    this.#added = key.added
  }

  static async open(vault: Vault, manifest: Manifest, key: RecoveryKey): Promise<SnapshotReader> {
    const packs = await readPackList(vault, manifest)
    const added = await readAddedKeys(vault, manifest.epoch)
    return new SnapshotReader(vault, manifest, packs, { key, added })
  }

  /** Directories before what is in them. */
  async *entries(): AsyncGenerator<TableEntry, void, undefined> {
    const { files } = this.manifest.streams
    const table = new FileTableReader(`the file table of ${this.manifest.snapshot}`, this.packs.length)
    for await (const bytes of this.#stream(files)) yield* table.push(bytes)
    table.finish()
  }

  /** PostgreSQL's backup_manifest, byte for byte. */
  async backupManifest(): Promise<Uint8Array> {
    const { backupManifest } = this.manifest.streams
    if (backupManifest.bytes > backupManifestMaxBytes) {
      throw damaged(this.manifest.snapshot, 'its backup_manifest claims too much')
    }
    const pieces: Uint8Array[] = []
    for await (const bytes of this.#stream(backupManifest)) pieces.push(bytes)
    return joinBytes(pieces)
  }

  /** The pack at this place of the list; a few are kept open. */
  async pack(number: number): Promise<PackReader> {
    const found = this.#open.get(number)
    this.#open.delete(number)
    const reference = this.packs[number]
    if (reference === undefined) throw damaged(this.manifest.snapshot, `it has no pack ${number}`)
    const reader =
      found ??
      PackReader.open(this.#vault, this.manifest.epoch, reference, { key: this.#key, added: this.#added })
    this.#open.set(number, reader)
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= openPacksMax) break
      this.#open.delete(oldest)
    }
    return reader
  }

  /** The pieces of a file in order. */
  async *plan(file: TableEntry & { readonly kind: 'file' }): AsyncGenerator<PlannedPiece, void, undefined> {
    for (const [, length, pack, first, firstSkip] of file.extents) {
      const reader = await this.pack(pack)
      let [left, skip] = [length, firstSkip]
      for (let ordinal = first; left > 0; ordinal++) {
        const entry = reader.index.entries[ordinal]
        if (entry === undefined || skip >= entry.contentBytes) {
          throw damaged(reader.object, `${file.path} refers to what is not there: chunk ${ordinal}`)
        }
        const end = Math.min(entry.contentBytes, skip + left)
        const begin = skip
        const isWhole = begin === 0 && end === entry.contentBytes
        const read = (): FilePiece => {
          const content = reader.read(ordinal)
          return { bytes: isWhole ? content : content.then((bytes) => bytes.subarray(begin, end)) }
        }
        yield { read }
        left -= end - begin
        skip = 0
      }
    }
  }

  async *#stream(stream: Manifest['streams']['files']): AsyncGenerator<Uint8Array, void, undefined> {
    let bytes = 0
    for (const [pack, ordinal] of stream.chunks) {
      const content = await (await this.pack(pack)).read(ordinal)
      bytes += content.length
      yield content
    }
    if (bytes !== stream.bytes) throw damaged(this.manifest.snapshot, 'a stream has another length')
  }
}

/** What PostgreSQL says that the files are; the file table has to say the same of each. */
export async function readDigests(reader: SnapshotReader) {
  const bytes = await reader.backupManifest()
  const manifest = parseBackupManifest(bytes)
  const files = new Map(manifest.files.map((file) => [file.path, file]))
  return { bytes, manifest, files }
}
