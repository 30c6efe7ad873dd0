import { recordHeaderBytes } from './wal-scan.ts'
import type { WalRecord } from './wal-scan.ts'
import { viewOf } from './view-of.ts'

/** Where a relation's bytes are: tablespace, database and file number (relfilenode). */
export interface RelationFile {
  readonly tablespace: number
  readonly database: number
  readonly file: number
}

export interface BlockReference {
  readonly relation: RelationFile
  /** 0 main, 1 free space map, 2 visibility map, 3 init. */
  readonly fork: number
  readonly block: number
}

export interface RecordContent {
  readonly blocks: readonly BlockReference[]
  /** What the resource manager itself wrote. */
  readonly main: Uint8Array
}

const ids = { blockMax: 32, toplevelXid: 252, origin: 253, long: 254, short: 255 } as const
const block = { fork: 0x0f, hasImage: 0x10, sameRelation: 0x80 } as const
const image = { hasHole: 0x01, compressed: 0x04 | 0x08 | 0x10 } as const

/** Takes a checked record apart; `undefined` when it is of a form that PostgreSQL 15 to 18 do not write. */
export function recordContent(record: Pick<WalRecord, 'bytes'>): RecordContent | undefined {
  const bytes = record.bytes()
  const view = viewOf(bytes)
  const blocks: BlockReference[] = []
  let at = recordHeaderBytes
  let payload = 0
  let mainBytes = 0
  try {
    while (bytes.length - at > payload) {
      const id = view.getUint8(at)
      if (id === ids.short || id === ids.long) {
        mainBytes = id === ids.short ? view.getUint8(at + 1) : view.getUint32(at + 1, true)
        at += id === ids.short ? 2 : 5
        payload += mainBytes
        break
      }
      if (id === ids.origin) at += 3
      else if (id === ids.toplevelXid) at += 5
      else if (id <= ids.blockMax) {
        const read = readBlock(view, at, blocks.at(-1))
        if (read === undefined) return undefined
        blocks.push(read.reference)
        payload += read.payload
        at = read.at
      } else return undefined
    }
  } catch {
    // A RangeError of the view: the lengths in the record point outside it.
    return undefined
  }
  if (bytes.length - at !== payload) return undefined
  return { blocks, main: bytes.subarray(bytes.length - mainBytes) }
}

function readBlock(view: DataView, start: number, before: BlockReference | undefined) {
  const forkFlags = view.getUint8(start + 1)
  let payload = view.getUint16(start + 2, true)
  let at = start + 4
  if ((forkFlags & block.hasImage) !== 0) {
    payload += view.getUint16(at, true)
    const info = view.getUint8(at + 4)
    at += 5
    if ((info & image.hasHole) !== 0 && (info & image.compressed) !== 0) at += 2
  }
  let relation = before?.relation
  if ((forkFlags & block.sameRelation) === 0) {
    relation = relationFileAt(view, at)
    at += relationFileBytes
  }
  if (relation === undefined) return undefined
  const reference = { relation, fork: forkFlags & block.fork, block: view.getUint32(at, true) }
  return { reference, payload, at: at + 4 }
}

export const relationFileBytes = 12

export function relationFileAt(view: DataView, at: number): RelationFile {
  return {
    tablespace: view.getUint32(at, true),
    database: view.getUint32(at + 4, true),
    file: view.getUint32(at + 8, true),
  }
}
