import { createHash } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import { decompress } from './chunk-codec.ts'
import { chunkId, openChunk } from './chunk-seal.ts'
import type { PackKeys } from './chunk-seal.ts'
import { packName } from './object-names.ts'
import type { StampedId } from './object-names.ts'
import { decodePack, sealOf } from './pack-layout.ts'
import type { ChunkEntry, PackIndex } from './pack-layout.ts'
import type { PackReference } from './pack-list.ts'
import { unwrapKeys } from './recipient.ts'
import type { RecoveryKey, WrappedKey } from './recipient.ts'
import { damaged } from './vault-damage.ts'
import type { Vault } from './vault-descriptor.ts'
import { packHeaderMaxBytes, chunkBytes, packChunksMax } from './vault-limits.ts'

/** Records that follow each other are read together. */
const windowBytes = 2 * 1024 * 1024
const indexMaxBytes = packChunksMax * 80 + 16

/** Keys that were wrapped for further recipients after the pack was written, by pack. */
export type AddedKeys = ReadonlyMap<string, readonly WrappedKey[]>

/** Header and index, compared with the seal that the signed manifest leads to. */
export async function readPackIndex(
  vault: Vault,
  epoch: StampedId,
  reference: PackReference,
): Promise<PackIndex> {
  const object = packName(epoch, reference.pack)
  const { headerBytes, indexBytes, packBytes } = reference
  if (headerBytes > packHeaderMaxBytes || indexBytes > indexMaxBytes)
    throw damaged(object, 'it claims too much')
  const info = await vault.store.head(object)
  if (info === undefined) throw damaged(object, 'it is missing')
  if (info.sizeBytes !== packBytes) {
    throw damaged(object, `it has ${info.sizeBytes} bytes instead of ${packBytes}`)
  }
  const header = await vault.store.get(object, { offset: 0, length: headerBytes })
  const index = await vault.store.get(object, { offset: packBytes - indexBytes, length: indexBytes })
  if (!Buffer.from(sealOf(header, index)).equals(reference.seal)) {
    throw damaged(object, 'its header or index is not what the manifest names')
  }
  const decoded = decodePack({ object, header, index, packBytes })
  const { place } = decoded.header
  if (place.vault !== vault.id || place.epoch !== epoch || place.pack !== reference.pack) {
    throw damaged(object, 'it belongs elsewhere')
  }
  return decoded
}

interface Window {
  readonly offset: number
  readonly end: number
  readonly bytes: Promise<Uint8Array>
}

/** One pack, opened for reading chunks. */
export class PackReader {
  readonly object: string
  readonly index: PackIndex
  readonly #vault: Vault
  readonly #keys: PackKeys
  #window: Window | undefined
  #nextOffset = -1

  private constructor(object: string, index: PackIndex, vault: Vault, keys: PackKeys) {
    this.object = object
    this.index = index
    this.#vault = vault
    this.#keys = keys
  }

  static async open(
    vault: Vault,
    epoch: StampedId,
    reference: PackReference,
    { key, added }: { readonly key: RecoveryKey; readonly added: AddedKeys },
  ): Promise<PackReader> {
    const object = packName(epoch, reference.pack)
    const index = await readPackIndex(vault, epoch, reference)
    const wrapped = [...index.header.wrapped, ...(added.get(reference.pack) ?? [])].filter(({ recipient }) =>
      Buffer.from(recipient).equals(key.id),
    )
    if (wrapped.length === 0) throw notForThisKey(object)
    return new PackReader(object, index, vault, unwrapFirst(object, key, index, wrapped))
  }

  /** The content, after the tag, the id and the length were compared. */
  async read(ordinal: number): Promise<Uint8Array> {
    const entry = this.index.entries[ordinal]
    if (entry === undefined) throw damaged(this.object, `it has no chunk ${ordinal}`)
    const record = await this.#record(entry)
    const head = { ordinal, codec: entry.codec, contentBytes: entry.contentBytes, id: entry.id }
    try {
      const bytes = openChunk(this.#keys.dataKey, this.index.header.place, head, record)
      const packed = { codec: entry.codec, bytes }
      if (!Buffer.from(chunkId(this.#keys.idKey, packed)).equals(entry.id)) throw new Error('another id')
      return await decompress(packed, entry.contentBytes)
    } catch (error) {
      throw damaged(this.object, `chunk ${ordinal} (byte ${entry.offset}) is not what was written`, error)
    }
  }

  async #record(entry: ChunkEntry): Promise<Uint8Array> {
    const { offset, storedBytes } = entry
    let window = this.#window
    if (window === undefined || offset < window.offset || offset + storedBytes > window.end) {
      const end = this.#windowEnd(offset, storedBytes)
      const bytes = this.#vault.store.get(this.object, { offset, length: end - offset })
      window = { offset, bytes, end }
      this.#window = window
    }
    this.#nextOffset = offset + storedBytes
    const start = offset - window.offset
    return (await window.bytes).subarray(start, start + storedBytes)
  }

  /** A first look takes one record; who goes on where he stopped takes many. */
  #windowEnd(offset: number, storedBytes: number): number {
    if (offset !== this.#nextOffset && offset !== this.index.entries[0]?.offset) return offset + storedBytes
    const last = this.index.entries.at(-1)
    const recordsEnd = last === undefined ? offset : last.offset + last.storedBytes
    return Math.max(offset + storedBytes, Math.min(offset + windowBytes, recordsEnd))
  }
}

/** Compares every stored record of a pack with its digest, without any key; says which chunks are damaged. */
export async function scrubPack(
  vault: Vault,
  epoch: StampedId,
  reference: PackReference,
): Promise<readonly { readonly ordinal: number; readonly offset: number }[]> {
  const { entries } = await readPackIndex(vault, epoch, reference)
  const object = packName(epoch, reference.pack)
  const bad: { readonly ordinal: number; readonly offset: number }[] = []
  let window = new Uint8Array(0)
  let start = 0
  for (const [ordinal, { offset, storedBytes, digest }] of entries.entries()) {
    if (offset + storedBytes > start + window.length) {
      start = offset
      const last = entries.at(-1) as ChunkEntry
      const length = Math.min(windowBytes + chunkBytes, last.offset + last.storedBytes - offset)
      window = new Uint8Array(await vault.store.get(object, { offset, length }))
    }
    const record = window.subarray(offset - start, offset - start + storedBytes)
    if (!createHash('sha256').update(record).digest().equals(digest)) bad.push({ ordinal, offset })
  }
  return bad
}

function unwrapFirst(
  object: string,
  key: RecoveryKey,
  index: PackIndex,
  wrapped: readonly WrappedKey[],
): PackKeys {
  let failure: unknown
  for (const one of wrapped) {
    try {
      return unwrapKeys(key, index.header.place, one)
    } catch (error) {
      failure = error
    }
  }
  throw damaged(object, 'its key does not unwrap', failure)
}

export function notForThisKey(object: string): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_KEY_NOT_A_RECIPIENT',
    class: 'refused',
    message: `${object}: its key was not wrapped for this recovery key`,
    hint: 'use the key of a recipient that the vault was made with, or have one of them run `pointzero vault rewrap`',
  })
}
