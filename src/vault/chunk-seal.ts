import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import type { Packed } from './chunk-codec.ts'
import type { StampedId, VaultId } from './object-names.ts'

export const tagBytes = 16
export const chunkIdBytes = 32

/** Where a pack belongs: part of the associated data of every chunk in it. */
export interface PackPlace {
  readonly vault: VaultId
  readonly epoch: StampedId
  /** 32 lower-case hex digits, random. */
  readonly pack: string
}

/** What a pack's wrapped key opens to. */
export interface PackKeys {
  /** AES-256-GCM, used for this pack only. */
  readonly dataKey: Uint8Array
  /** HMAC-SHA-256, the same for a whole epoch of one writer. */
  readonly idKey: Uint8Array
}

export interface ChunkHead {
  readonly ordinal: number
  readonly codec: number
  readonly contentBytes: number
  readonly id: Uint8Array
}

/**
 * Over the compressed bytes: they are what is stored, they decompress to one content only, and they are several times fewer. The
 * key keeps whoever reads the vault from confirming a guess.
 */
export function chunkId(idKey: Uint8Array, packed: Packed): Uint8Array {
  return createHmac('sha256', idKey).update(Buffer.of(packed.codec)).update(packed.bytes).digest()
}

/** The key that ids of one writer's epoch are made with; `secret` never leaves the writer. */
export function epochIdKey(secret: Uint8Array, vault: VaultId, epoch: StampedId): Uint8Array {
  return createHmac('sha256', secret).update(`pointzero/vault-chunk-id/1\n${vault}\n${epoch}\n`).digest()
}

/** The stored record: ciphertext and tag. The ordinal is the nonce, so it is used once with this key. */
export function sealChunk(
  dataKey: Uint8Array,
  place: PackPlace,
  head: ChunkHead,
  bytes: Uint8Array,
): readonly Uint8Array[] {
  const cipher = createCipheriv('aes-256-gcm', dataKey, nonceOf(head.ordinal))
  cipher.setAAD(associatedData(place, head))
  const ciphertext = cipher.update(bytes)
  cipher.final()
  return [ciphertext, cipher.getAuthTag()]
}

/** Throws when the record is not the one that was sealed at this place. */
export function openChunk(
  dataKey: Uint8Array,
  place: PackPlace,
  head: ChunkHead,
  record: Uint8Array,
): Uint8Array {
  const end = record.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', dataKey, nonceOf(head.ordinal), {
    authTagLength: tagBytes,
  })
  decipher.setAAD(associatedData(place, head))
  decipher.setAuthTag(record.subarray(end))
  const bytes = decipher.update(record.subarray(0, end))
  decipher.final()
  return bytes
}

function nonceOf(ordinal: number): Uint8Array {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(ordinal, 8)
  return nonce
}

function associatedData({ vault, epoch, pack }: PackPlace, head: ChunkHead): Uint8Array {
  const numbers = Buffer.alloc(9)
  numbers.writeUInt32BE(head.ordinal, 0)
  numbers.writeUInt8(head.codec, 4)
  numbers.writeUInt32BE(head.contentBytes, 5)
  const name = Buffer.from(`pointzero/vault-chunk/1\n${vault}\n${epoch}\n`)
  return Buffer.concat([name, Buffer.from(pack, 'hex'), numbers, head.id])
}
