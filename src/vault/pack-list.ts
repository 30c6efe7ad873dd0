import { damaged } from './vault-damage.ts'

/** One pack that a snapshot refers to. Chunk references name it by its place in the list. */
export interface PackReference {
  readonly pack: string
  readonly packBytes: number
  readonly headerBytes: number
  /** With the trailer. */
  readonly indexBytes: number
  readonly seal: Uint8Array
}

const magic = Buffer.from('PZLIST\0\x01', 'latin1')
const recordBytes = 64

export function encodePackList(packs: readonly PackReference[]): Uint8Array {
  const list = Buffer.alloc(magic.length + packs.length * recordBytes)
  magic.copy(list)
  packs.forEach(({ pack, packBytes, headerBytes, indexBytes, seal }, index) => {
    const at = magic.length + index * recordBytes
    Buffer.from(pack, 'hex').copy(list, at)
    list.writeBigUInt64BE(BigInt(packBytes), at + 16)
    list.writeUInt32BE(headerBytes, at + 24)
    list.writeUInt32BE(indexBytes, at + 28)
    list.set(seal, at + 32)
  })
  return list
}

/** The caller has compared its digest with the manifest. */
export function decodePackList(object: string, bytes: Uint8Array): readonly PackReference[] {
  const list = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (!list.subarray(0, 8).equals(magic) || (list.length - magic.length) % recordBytes !== 0) {
    throw damaged(object, 'it is no list of packs of this version')
  }
  return Array.from({ length: (list.length - magic.length) / recordBytes }, (_, index) => {
    const record = list.subarray(magic.length + index * recordBytes, magic.length + (index + 1) * recordBytes)
    const reference = {
      pack: record.subarray(0, 16).toString('hex'),
      packBytes: Number(record.readBigUInt64BE(16)),
      headerBytes: record.readUInt32BE(24),
      indexBytes: record.readUInt32BE(28),
      seal: record.subarray(32),
    }
    if (reference.packBytes < reference.headerBytes + reference.indexBytes) {
      throw damaged(object, `pack ${reference.pack} is shorter than its parts`)
    }
    return reference
  })
}
