import { createHash } from 'node:crypto'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Random } from '../ports/random.ts'
import { Compressor } from './chunk-codec.ts'
import type { Packed } from './chunk-codec.ts'
import { chunkId, sealChunk } from './chunk-seal.ts'
import type { PackKeys, PackPlace } from './chunk-seal.ts'
import { packName } from './object-names.ts'
import type { StampedId, VaultId } from './object-names.ts'
import { encodeHeader, encodeIndex, sealOf } from './pack-layout.ts'
import type { ChunkEntry } from './pack-layout.ts'
import type { PackReference } from './pack-list.ts'
import { wrapKeys } from './recipient.ts'
import type { Recipient } from './recipient.ts'
import { chunkBytes, packChunksMax, packTargetBytes } from './vault-limits.ts'

/** Where a chunk lies: a place in the snapshot's list of packs, and in that pack. */
export interface ChunkReference {
  readonly pack: number
  readonly ordinal: number
}

export interface ChunkWriterOptions {
  readonly vault: VaultId
  readonly epoch: StampedId
  readonly idKey: Uint8Array
  readonly recipients: readonly Recipient[]
  /** Chunks of this epoch that exist already, by id in latin1. */
  readonly known: ReadonlyMap<string, { readonly reference: PackReference; readonly ordinal: number }>
}

interface OpenPack {
  readonly place: PackPlace
  readonly number: number
  readonly keys: PackKeys
  readonly header: Uint8Array
  readonly pieces: Uint8Array[]
  readonly entries: ChunkEntry[]
  bytes: number
}

/** Chunks that are being compressed. Each holds its content and, for a while, about as much again. */
const chunksInFlight = 6
/** Sealed packs on their way to the store. */
const packsInFlight = 2

/** Compresses chunks in the thread pool, drops those that the epoch holds, and puts the others into packs in the order of `add`. */
export class ChunkWriter {
  newStoredBytes = 0
  readonly #store: ObjectStore
  readonly #random: Random
  readonly #options: ChunkWriterOptions
  readonly #compressor = new Compressor()
  /** In the order in which they were first referred to; holes until their pack is sealed. */
  readonly #packs: (PackReference | undefined)[] = []
  readonly #packNumbers = new Map<string, number>()
  readonly #own = new Map<string, ChunkReference>()
  readonly #puts = new Set<Promise<void>>()
  #tail: Promise<unknown> = Promise.resolve()
  /** Rooms of chunks that have their place. One more buffer a chunk is what would make the garbage collector run all the time. */
  readonly #rooms: Uint8Array[] = []
  #inFlight = 0
  readonly #waiting: (() => void)[] = []
  #open: OpenPack | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(store: ObjectStore, random: Random, options: ChunkWriterOptions) {
    this.#store = store
    this.#random = random
    this.#options = options
  }

  /** Where the content of the next chunk is put; it goes back with `add`. */
  room(): Uint8Array {
    return this.#rooms.pop() ?? new Uint8Array(chunkBytes)
  }

  /**
   * The first `contentBytes` of a room, which is nobody else's afterwards. Resolves once there is space for the next one; `placed` resolves when
   * the chunk has its place (in a pack that may not be stored yet).
   */
  async add(room: Uint8Array, contentBytes: number): Promise<{ readonly placed: Promise<ChunkReference> }> {
    while (this.#inFlight >= chunksInFlight) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#check()
    this.#inFlight += 1
    const compressed = this.#compressor.compress(room.subarray(0, contentBytes))
    const before = this.#tail
    const placed = this.#place(before, compressed, contentBytes).then((reference) => {
      this.#rooms.push(room)
      return reference
    })
    this.#tail = placed
    // Whoever awaits it next learns of the failure; until then it must not end the process.
    placed.catch((error: unknown) => {
      this.#failure ??= { error }
    })
    return { placed }
  }

  /** Seals what is open. Every pack that is referred to is durable when it resolves. */
  async finish(): Promise<readonly PackReference[]> {
    await this.#tail
    this.#compressor.close()
    this.#seal()
    await Promise.all(this.#puts)
    this.#check()
    return this.#packs as readonly PackReference[]
  }

  /** After a failure: nothing runs on when it resolves. */
  async abandon(): Promise<void> {
    await this.#tail.catch(() => undefined)
    this.#compressor.close()
    await Promise.all(this.#puts)
  }

  async #place(
    before: Promise<unknown>,
    compressed: Promise<Packed>,
    contentBytes: number,
  ): Promise<ChunkReference> {
    try {
      const [packed] = await Promise.all([compressed, before])
      while (this.#puts.size >= packsInFlight) await Promise.race(this.#puts)
      this.#check()
      const id = chunkId(this.#options.idKey, packed)
      const key = Buffer.from(id).toString('latin1')
      return this.#find(key) ?? this.#append(key, id, packed, contentBytes)
    } finally {
      this.#inFlight -= 1
      this.#waiting.shift()?.()
    }
  }

  #find(key: string): ChunkReference | undefined {
    const own = this.#own.get(key)
    if (own !== undefined) return own
    const known = this.#options.known.get(key)
    return known && { pack: this.#numberOf(known.reference.pack, known.reference), ordinal: known.ordinal }
  }

  #append(key: string, id: Uint8Array, packed: Packed, contentBytes: number): ChunkReference {
    this.#open ??= this.#openPack()
    const open = this.#open
    const ordinal = open.entries.length
    const head = { ordinal, codec: packed.codec, contentBytes, id }
    const record = sealChunk(open.keys.dataKey, open.place, head, packed.bytes)
    const hash = createHash('sha256')
    let storedBytes = 0
    for (const piece of record) {
      hash.update(piece)
      open.pieces.push(piece)
      storedBytes += piece.length
    }
    const { codec } = packed
    open.entries.push({ id, digest: hash.digest(), offset: open.bytes, storedBytes, contentBytes, codec })
    open.bytes += storedBytes
    const reference = { pack: open.number, ordinal }
    this.#own.set(key, reference)
    if (open.bytes >= packTargetBytes || open.entries.length >= packChunksMax) this.#seal()
    return reference
  }

  #openPack(): OpenPack {
    const { vault, epoch, idKey, recipients } = this.#options
    const place = { vault, epoch, pack: Buffer.from(this.#random.bytes(16)).toString('hex') }
    const keys = { dataKey: this.#random.bytes(32), idKey }
    const wrapped = recipients.map((recipient) => wrapKeys(recipient, place, keys, this.#random.bytes(32)))
    const header = encodeHeader({ place, wrapped })
    const number = this.#numberOf(place.pack)
    return { place, number, keys, header, pieces: [header], entries: [], bytes: header.length }
  }

  #numberOf(pack: string, reference?: PackReference): number {
    const found = this.#packNumbers.get(pack)
    if (found !== undefined) return found
    this.#packs.push(reference)
    this.#packNumbers.set(pack, this.#packs.length - 1)
    return this.#packs.length - 1
  }

  #seal(): void {
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    const index = encodeIndex(open.entries)
    const packBytes = open.bytes + index.length
    this.#packs[open.number] = {
      pack: open.place.pack,
      packBytes,
      headerBytes: open.header.length,
      indexBytes: index.length,
      seal: sealOf(open.header, index),
    }
    this.newStoredBytes += packBytes
    const put = this.#store
      .putNew(packName(open.place.epoch, open.place.pack), [...open.pieces, index])
      .then(() => undefined)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#puts.delete(put))
    this.#puts.add(put)
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
