import { createHash } from 'node:crypto'
import { chunkIdBytes, tagBytes } from './chunk-seal.ts'
import type { PackPlace } from './chunk-seal.ts'
import { encapsulatedBytes } from './hpke.ts'
import { recipientIdBytes, wrappedCiphertextBytes } from './recipient.ts'
import type { WrappedKey } from './recipient.ts'
import { damaged } from './vault-damage.ts'
import { chunkBytes, packChunksMax, packHeaderMaxBytes, recipientsMax } from './vault-limits.ts'

/**
 * header | records, one after the other | index | trailer. The seal is the SHA-256 of header, index and trailer; the index
 * holds the SHA-256 of every record, so the seal covers each byte of the pack. All numbers are big-endian.
 */
export interface PackHeader {
  readonly place: PackPlace
  readonly wrapped: readonly WrappedKey[]
}

/** One chunk as the index tells it. */
export interface ChunkEntry {
  readonly id: Uint8Array
  /** SHA-256 of the stored record. */
  readonly digest: Uint8Array
  /** From the beginning of the pack; follows from the lengths before. */
  readonly offset: number
  readonly storedBytes: number
  readonly contentBytes: number
  readonly codec: number
}

export interface PackIndex {
  readonly header: PackHeader
  readonly entries: readonly ChunkEntry[]
}

const headerMagic = Buffer.from('PZPACK\0\x01', 'latin1')
const trailerMagic = Buffer.from('PZEND\0\0\x01', 'latin1')
/** AES-256-GCM for chunks, HPKE for their key. Another number is another set of algorithms. */
const suite = 1
const wrapBytes = recipientIdBytes + encapsulatedBytes + wrappedCiphertextBytes
const entryBytes = chunkIdBytes + 32 + 16
const trailerBytes = 16

export function encodeHeader({ place, wrapped }: PackHeader): Uint8Array {
  const names = [place.vault, place.epoch].map((name) =>
    Buffer.concat([Buffer.of(name.length), Buffer.from(name)]),
  )
  const wraps = wrapped.flatMap(({ recipient, sealed }) => [
    recipient,
    sealed.encapsulated,
    sealed.ciphertext,
  ])
  const rest = Buffer.concat([...names, ...wraps])
  const head = Buffer.alloc(32)
  headerMagic.copy(head, 0)
  Buffer.from(place.pack, 'hex').copy(head, 8)
  head.writeUInt32BE(head.length + rest.length, 24)
  head.writeUInt16BE(suite, 28)
  head.writeUInt16BE(wrapped.length, 30)
  return Buffer.concat([head, rest])
}

export function encodeIndex(entries: readonly ChunkEntry[]): Uint8Array {
  const index = Buffer.alloc(entries.length * entryBytes + trailerBytes)
  entries.forEach((entry, ordinal) => {
    const at = ordinal * entryBytes
    index.set(entry.id, at)
    index.set(entry.digest, at + 32)
    index.writeUInt32BE(entry.storedBytes, at + 64)
    index.writeUInt32BE(entry.contentBytes, at + 68)
    index.writeUInt8(entry.codec, at + 72)
  })
  const trailer = index.length - trailerBytes
  index.writeUInt32BE(trailer, trailer)
  index.writeUInt32BE(entries.length, trailer + 4)
  trailerMagic.copy(index, trailer + 8)
  return index
}

export function sealOf(header: Uint8Array, indexWithTrailer: Uint8Array): Uint8Array {
  return createHash('sha256').update(header).update(indexWithTrailer).digest()
}

export interface PackParts {
  readonly object: string
  readonly header: Uint8Array
  /** With its trailer. */
  readonly index: Uint8Array
  readonly packBytes: number
}

/** The caller has compared the seal; here only what a genuine but broken writer could have done is refused. */
export function decodePack({ object, header, index, packBytes }: PackParts): PackIndex {
  const decoded = decodeHeader(object, Buffer.from(header.buffer, header.byteOffset, header.length))
  const view = Buffer.from(index.buffer, index.byteOffset, index.length)
  const trailer = view.length - trailerBytes
  const count = trailer / entryBytes
  const isWhole =
    view.length >= trailerBytes &&
    view.subarray(trailer + 8).equals(trailerMagic) &&
    view.readUInt32BE(trailer) === trailer &&
    view.readUInt32BE(trailer + 4) === count
  if (!isWhole) throw damaged(object, 'its index is malformed')
  if (count > packChunksMax) throw damaged(object, `${count} chunks are too many`)
  const entries: ChunkEntry[] = []
  let offset = header.length
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const entry = decodeEntry(view.subarray(ordinal * entryBytes, (ordinal + 1) * entryBytes), offset)
    if (entry === undefined) throw damaged(object, `the index entry of chunk ${ordinal} is malformed`)
    entries.push(entry)
    offset += entry.storedBytes
  }
  if (offset + view.length !== packBytes) throw damaged(object, 'its index does not fit its length')
  return { header: decoded, entries }
}

function decodeEntry(view: Buffer, offset: number): ChunkEntry | undefined {
  const storedBytes = view.readUInt32BE(64)
  const contentBytes = view.readUInt32BE(68)
  const isSane =
    contentBytes > 0 &&
    contentBytes <= chunkBytes &&
    storedBytes > tagBytes &&
    storedBytes <= contentBytes + tagBytes &&
    view.subarray(73).every((byte) => byte === 0)
  if (!isSane) return undefined
  const [id, digest] = [view.subarray(0, 32), view.subarray(32, 64)]
  return { id, digest, offset, storedBytes, contentBytes, codec: view.readUInt8(72) }
}

function decodeHeader(object: string, view: Buffer): PackHeader {
  if (view.length < 32 || view.length > packHeaderMaxBytes || !view.subarray(0, 8).equals(headerMagic)) {
    throw damaged(object, 'it is no pack of this version')
  }
  if (view.readUInt16BE(28) !== suite) throw damaged(object, `suite ${view.readUInt16BE(28)} is unknown`)
  const count = view.readUInt16BE(30)
  let at = 32
  const name = () => {
    const length = view[at] ?? 0
    at += 1 + length
    return view.subarray(at - length, at).toString('latin1')
  }
  const [vault, epoch] = [name(), name()]
  const isWhole =
    count <= recipientsMax && view.readUInt32BE(24) === view.length && at + count * wrapBytes === view.length
  if (!isWhole) throw damaged(object, 'its header is malformed')
  const wrapped = Array.from({ length: count }, (_, index) => {
    const start = at + index * wrapBytes
    const sealedAt = start + recipientIdBytes + encapsulatedBytes
    return {
      recipient: view.subarray(start, start + recipientIdBytes),
      sealed: {
        encapsulated: view.subarray(start + recipientIdBytes, sealedAt),
        ciphertext: view.subarray(sealedAt, start + wrapBytes),
      },
    }
  })
  const place = { vault: vault as PackPlace['vault'], epoch, pack: view.subarray(8, 24).toString('hex') }
  return { place, wrapped }
}
