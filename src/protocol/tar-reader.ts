import { ByteQueue } from './byte-queue.ts'
import {
  archiveRefused,
  decodeText,
  isZeroBlock,
  parsePaxRecords,
  parseTarHeader,
  tarBlockBytes,
} from './tar-header.ts'
import type { TarHeader } from './tar-header.ts'

/** Paths are relative and `/`-separated, without `.`, `..` and empty parts: they stay inside whatever they are joined to. */
export type TarEvent =
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number; readonly mode: number }
  /** A piece of the file announced last. Good until the next event is asked for. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  /** The file announced last is complete. */
  | { readonly kind: 'file-end' }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }

export interface TarReaderOptions {
  /** Accept `pg_tblspc/<oid>` symbolic links. Every other link is refused in any case. */
  readonly allowTablespaceLinks: boolean
}

const extendedHeaderLimitBytes = 64 * 1024

/**
 * Reads a tar (ustar, with PAX and GNU long names) as its bytes arrive. The archive is not trusted: absolute paths, `..`, zero
 * bytes, hard links, devices, sparse files, names used twice and names below a link are refused.
 */
export class TarReader {
  readonly #options: TarReaderOptions
  readonly #queue = new ByteQueue()
  readonly #seen = new Map<string, 'file' | 'directory' | 'symlink'>()
  #state: 'header' | 'data' | 'padding' | 'extended' | 'trailer' | 'end' = 'header'
  #leftBytes = 0
  #paddingBytes = 0
  #extendedType = ''
  #overrides = new Map<string, string>()

  constructor(options: TarReaderOptions) {
    this.#options = options
  }

  /** The chunk may be written to again once the last event was taken. */
  *push(chunk: Uint8Array): Generator<TarEvent, void, undefined> {
    this.#queue.push(chunk)
    for (;;) {
      const before = this.#state
      const available = this.#queue.length
      yield* this.#step()
      if (this.#state === before && this.#queue.length === available) break
    }
    this.#queue.own()
  }

  /** Has to be called when the archive is over: a truncated one is refused here. */
  finish(): void {
    if (this.#state !== 'end') throw archiveRefused('it is truncated')
  }

  *#step(): Generator<TarEvent, void, undefined> {
    switch (this.#state) {
      case 'data':
        yield* this.#data()
        return
      case 'padding':
        this.#padding()
        return
      case 'extended':
        this.#extended()
        return
      default:
        yield* this.#block()
    }
  }

  *#data(): Generator<TarEvent, void, undefined> {
    const bytes = this.#queue.takeAtMost(this.#leftBytes)
    this.#leftBytes -= bytes.length
    if (bytes.length > 0) yield { kind: 'data', bytes }
    if (this.#leftBytes > 0) return
    yield { kind: 'file-end' }
    this.#state = 'padding'
  }

  #padding(): void {
    if (this.#queue.length < this.#paddingBytes) return
    this.#queue.take(this.#paddingBytes)
    this.#state = 'header'
  }

  #extended(): void {
    if (this.#queue.length < this.#leftBytes) return
    const bytes = this.#queue.take(this.#leftBytes)
    this.#state = 'padding'
    if (this.#extendedType === 'x') {
      for (const [key, text] of parsePaxRecords(bytes)) {
        if (key.startsWith('GNU.sparse')) throw archiveRefused('it holds a sparse file')
        this.#overrides.set(key, text)
      }
    } else if (this.#extendedType !== 'g') {
      const end = bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length
      this.#overrides.set(
        this.#extendedType === 'L' ? 'path' : 'linkpath',
        decodeText(bytes.subarray(0, end)),
      )
    }
  }

  *#block(): Generator<TarEvent, void, undefined> {
    if (this.#queue.length < tarBlockBytes) return
    const block = this.#queue.take(tarBlockBytes)
    if (isZeroBlock(block)) {
      if (this.#overrides.size > 0) throw archiveRefused('it ends after an extended header')
      this.#state = this.#state === 'header' ? 'trailer' : 'end'
      return
    }
    if (this.#state !== 'header') throw archiveRefused('there is data after its end')
    const header = parseTarHeader(block)
    if (['x', 'g', 'L', 'K'].includes(header.type)) this.#beginExtended(header)
    else yield* this.#entry(header)
  }

  #beginExtended(header: TarHeader): void {
    if (header.sizeBytes > extendedHeaderLimitBytes) throw archiveRefused('an extended header is too long')
    this.#extendedType = header.type
    this.#begin('extended', header.sizeBytes)
  }

  #begin(state: 'data' | 'extended', sizeBytes: number): void {
    this.#state = state
    this.#leftBytes = sizeBytes
    this.#paddingBytes = (tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes
  }

  *#entry(header: TarHeader): Generator<TarEvent, void, undefined> {
    const overrides = this.#overrides
    this.#overrides = new Map()
    const path = containedPath(overrides.get('path') ?? header.path)
    const sizeBytes = sizeOf(header, overrides.get('size'))
    if (header.type === '0' || header.type === '\0') {
      if (path === '') throw archiveRefused('a file without a name')
      this.#register(path, 'file')
      this.#begin('data', sizeBytes)
      yield { kind: 'file', path, sizeBytes, mode: header.mode & 0o7777 }
      return
    }
    if (sizeBytes !== 0) throw archiveRefused(`${JSON.stringify(path)} has content but is no file`)
    if (header.type === '5') {
      if (path === '') return
      this.#register(path, 'directory')
      yield { kind: 'directory', path }
    } else if (header.type === '2') {
      const target = overrides.get('linkpath') ?? header.linkTarget
      this.#checkLink(path, target)
      this.#register(path, 'symlink')
      yield { kind: 'symlink', path, target }
    } else {
      throw archiveRefused(
        `${JSON.stringify(path)} is of type ${JSON.stringify(header.type)} (hard link, device, …)`,
      )
    }
  }

  #checkLink(path: string, target: string): void {
    if (!this.#options.allowTablespaceLinks || !/^pg_tblspc\/[1-9]\d{0,9}$/.test(path)) {
      throw archiveRefused(`${JSON.stringify(path)} is a symbolic link`)
    }
    if (target === '' || target.includes('\0')) throw archiveRefused(`${JSON.stringify(path)} leads nowhere`)
  }

  /** Two entries of one name, or one below a file or link, would write where the first one points. */
  #register(path: string, kind: 'file' | 'directory' | 'symlink'): void {
    const earlier = this.#seen.get(path)
    if (earlier !== undefined && !(earlier === 'directory' && kind === 'directory')) {
      throw archiveRefused(`${JSON.stringify(path)} comes twice`)
    }
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = this.#seen.get(path.slice(0, slash))
      if (parent === 'file' || parent === 'symlink')
        throw archiveRefused(`${JSON.stringify(path)} is below a ${parent}`)
      if (parent === undefined) this.#seen.set(path.slice(0, slash), 'directory')
    }
    this.#seen.set(path, kind)
  }
}

function sizeOf(header: TarHeader, override: string | undefined): number {
  if (override === undefined) return header.sizeBytes
  const size = /^\d{1,16}$/.test(override) ? Number(override) : Number.NaN
  if (!Number.isSafeInteger(size)) throw archiveRefused('size out of range')
  return size
}

/** The path without `.` parts and trailing slashes; `''` is the root itself. */
export function containedPath(path: string): string {
  if (path.includes('\0')) throw archiveRefused('a name holds a zero byte')
  if (path.startsWith('/')) throw archiveRefused(`${JSON.stringify(path)} is absolute`)
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw archiveRefused(`${JSON.stringify(path)} leads outside`)
  return parts.join('/')
}
