import { canonicalJson } from '../domain/canonical-json.ts'
import { containedPath } from '../protocol/tar-reader.ts'
import { damaged } from './vault-damage.ts'
import { tableLineMaxBytes } from './vault-limits.ts'

/**
 * `[offset, length, pack, ordinal, skip]`: the bytes of the file from `offset` are those of chunk `ordinal` of pack `pack`, from
 * `skip` in its content, and go on through the chunks that follow in that pack until `length` is reached.
 */
export type Extent = readonly [offset: number, length: number, pack: number, ordinal: number, skip: number]

export type TableEntry =
  | {
      readonly kind: 'file'
      readonly path: string
      readonly bytes: number
      readonly sha256: string
      readonly extents: readonly Extent[]
    }
  | { readonly kind: 'directory'; readonly path: string }

export function encodeTableLine(entry: TableEntry): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson(entry)}\n`)
}

/** Reads the table as its bytes arrive. It is signed for, yet names that lead elsewhere are refused here too. */
export class FileTableReader {
  readonly #object: string
  readonly #packs: number
  readonly #paths = new Map<string, 'file' | 'directory'>()
  #rest: Buffer = Buffer.alloc(0)

  constructor(object: string, packs: number) {
    this.#object = object
    this.#packs = packs
  }

  *push(bytes: Uint8Array): Generator<TableEntry, void, undefined> {
    let rest = Buffer.concat([this.#rest, bytes])
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      yield this.#entry(rest.subarray(0, end))
      rest = rest.subarray(end + 1)
    }
    if (rest.length > tableLineMaxBytes) throw damaged(this.#object, 'a line of its file table is too long')
    this.#rest = rest
  }

  finish(): void {
    if (this.#rest.length > 0) throw damaged(this.#object, 'its file table ends in the middle of a line')
  }

  #entry(line: Buffer): TableEntry {
    const entry = this.#parse(line)
    const { path, kind } = entry
    const isKnownKind = kind === 'file' || kind === 'directory'
    if (!isKnownKind || typeof path !== 'string' || path === '' || !isContained(path)) {
      throw damaged(
        this.#object,
        `its file table names ${JSON.stringify(path)} of kind ${JSON.stringify(kind)}`,
      )
    }
    this.#register(path, kind)
    if (kind === 'file') this.#checkFile(entry)
    return entry
  }

  #parse(line: Buffer): TableEntry {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(line)
      const entry = JSON.parse(text) as unknown
      if (typeof entry === 'object' && entry !== null) return entry as TableEntry
    } catch (error) {
      throw damaged(this.#object, 'a line of its file table is not JSON', error)
    }
    throw damaged(this.#object, 'a line of its file table is no object')
  }

  /** Two entries of one name, or one below a file, would write where the first one is. */
  #register(path: string, kind: 'file' | 'directory'): void {
    if (this.#paths.has(path)) throw damaged(this.#object, `its file table names ${path} twice`)
    const slash = path.lastIndexOf('/')
    if (slash > 0 && this.#paths.get(path.slice(0, slash)) !== 'directory') {
      throw damaged(this.#object, `its file table names ${path} before its directory`)
    }
    this.#paths.set(path, kind)
  }

  #checkFile(entry: TableEntry & { readonly kind: 'file' }): void {
    const { path, bytes, sha256, extents } = entry
    const wrong = () => damaged(this.#object, `the entry of ${path} in its file table is malformed`)
    if (!isCount(bytes) || !/^[0-9a-f]{64}$/.test(sha256) || !Array.isArray(extents)) throw wrong()
    let expected = 0
    for (const extent of extents) {
      if (!isExtent(extent)) throw wrong()
      const [offset, length, pack] = extent
      if (offset !== expected || length === 0 || pack >= this.#packs) throw wrong()
      expected += length
    }
    if (expected !== bytes) throw wrong()
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isExtent(value: unknown): value is Extent {
  return Array.isArray(value) && value.length === 5 && value.every(isCount)
}

function isContained(path: string): boolean {
  try {
    return containedPath(path) === path
  } catch {
    // It leads outside, which is the answer.
    return false
  }
}
