import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, lstat, mkdir, open, readdir, realpath, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { assert, RecoveryError } from '../../domain/recovery-error.ts'
import type { ByteRange, ObjectInfo, ObjectStore, PutOptions } from '../../ports/object-store.ts'

const part = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const nameLimitBytes = 512
/** Begins with a dot, so that no object can have such a name: what lies there was never finished. */
const unfinished = '.unfinished'
const readOnly = constants.O_RDONLY | constants.O_NOFOLLOW

/**
 * Objects as files below one directory, which exists already: a store that is not mounted must not be made anew. Each object is
 * written beside, made durable, and gets its name by a hard link, which fails when the name is taken. Sealed files are mode 0400;
 * whoever owns the directory can still delete them, so nothing here counts as locked.
 */
export class FileObjectStore implements ObjectStore {
  readonly name: string
  readonly #root: string

  constructor(directory: string) {
    assert(isAbsolute(directory), 'the directory of a store is absolute')
    this.name = directory
    this.#root = directory
  }

  async putNew(
    name: string,
    pieces: readonly Uint8Array[],
    options: PutOptions = {},
  ): Promise<'stored' | 'already-there'> {
    const path = this.#pathOf(name)
    if (options.lockedUntilMs !== undefined) throw lockUnsupported(this.name)
    await this.#makeFolder(dirname(path))
    const beside = join(this.#root, unfinished, randomBytes(12).toString('hex'))
    await this.#makeFolder(dirname(beside))
    try {
      await writeDurably(beside, pieces)
      await link(beside, path)
      await syncFolder(dirname(path))
      return 'stored'
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw storeError('not stored', path, error)
      if (!(await holds(path, pieces))) throw exists(path)
      // Whoever wrote it may have died before its name was durable.
      await syncFolder(dirname(path))
      return 'already-there'
    } finally {
      await unlink(beside).catch(() => undefined)
    }
  }

  async get(name: string, range?: ByteRange): Promise<Uint8Array> {
    const path = this.#pathOf(name)
    const file = await this.#open(path)
    try {
      const stat = await file.stat()
      if (!stat.isFile()) throw absent(path)
      const { offset, length } = range ?? { offset: 0, length: stat.size }
      assert(Number.isSafeInteger(offset) && Number.isSafeInteger(length), 'a range of whole bytes')
      assert(offset >= 0 && length >= 0, 'a range that begins inside the object')
      return await readExactly(file, path, { offset, length })
    } finally {
      await file.close()
    }
  }

  async head(name: string): Promise<ObjectInfo | undefined> {
    const path = this.#pathOf(name)
    try {
      const file = await this.#open(path)
      try {
        const stat = await file.stat()
        return stat.isFile() ? { name, sizeBytes: stat.size } : undefined
      } finally {
        await file.close()
      }
    } catch (error) {
      if (error instanceof RecoveryError && error.code === 'OBJECT_ABSENT') return undefined
      throw error
    }
  }

  async list(prefix: string): Promise<readonly ObjectInfo[]> {
    assert(prefix === '' || prefix.endsWith('/'), 'a prefix is a folder')
    if (prefix !== '') this.#pathOf(prefix.slice(0, -1))
    await this.#requireRoot()
    const found: ObjectInfo[] = []
    await this.#collect(prefix, found)
    return found.toSorted((left, right) => (left.name < right.name ? -1 : 1))
  }

  async #collect(prefix: string, found: ObjectInfo[]): Promise<void> {
    let entries
    try {
      entries = await readdir(join(this.#root, prefix), { withFileTypes: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw storeError('not listed', join(this.#root, prefix), error)
    }
    for (const entry of entries) {
      const name = `${prefix}${entry.name}`
      if (!part.test(entry.name)) continue
      if (entry.isDirectory()) await this.#collect(`${name}/`, found)
      else if (entry.isFile()) {
        found.push({ name, sizeBytes: (await lstat(join(this.#root, name))).size })
      }
    }
  }

  #pathOf(name: string): string {
    const isValid = name.length <= nameLimitBytes && name.split('/').every((one) => part.test(one))
    if (isValid) return join(this.#root, name)
    throw new RecoveryError({
      code: 'OBJECT_NAME_INVALID',
      class: 'permanent',
      message: `not a name of an object: ${JSON.stringify(name.slice(0, 200))}`,
      hint: 'what names it is damaged or hostile: verify it with `pointzero vault verify`',
    })
  }

  /** Neither the file nor a folder on the way may be a link: it would lead out of the store. */
  async #open(path: string): Promise<FileHandle> {
    try {
      await this.#requireContained(dirname(path))
      return await open(path, readOnly)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (!['ENOENT', 'ELOOP', 'ENOTDIR'].includes(code)) throw storeError('not read', path, error)
      await this.#requireRoot()
      throw absent(path)
    }
  }

  async #requireContained(folder: string): Promise<void> {
    const real = await realpath(folder)
    const expected = join(await realpath(this.#root), folder.slice(this.#root.length))
    if (join(real, '.') !== join(expected, '.')) throw leadsOutside(folder, real)
  }

  async #makeFolder(folder: string): Promise<void> {
    await this.#requireRoot()
    try {
      const firstMade = await mkdir(folder, { recursive: true, mode: 0o700 })
      await this.#requireContained(folder)
      if (firstMade === undefined) return
      // A new folder is only there after a power cut when its own name is durable in its parent.
      for (let made = folder; made !== dirname(firstMade); made = dirname(made))
        await syncFolder(dirname(made))
    } catch (error) {
      throw storeError('no folder', folder, error)
    }
  }

  async #requireRoot(): Promise<void> {
    try {
      if ((await lstat(await realpath(this.#root))).isDirectory()) return
    } catch (error) {
      throw storeError('the store is not there', this.#root, error)
    }
    throw storeError('the store is not there', this.#root, new Error('not a directory'))
  }
}

async function writeDurably(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx', 0o400)
  try {
    for (const piece of pieces) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function readExactly(file: FileHandle, path: string, range: ByteRange): Promise<Uint8Array> {
  const stat = await file.stat()
  if (range.offset + range.length > stat.size) throw truncated(path, range, stat.size)
  const content = Buffer.allocUnsafeSlow(range.length)
  for (let filled = 0; filled < content.length;) {
    const { bytesRead } = await file.read(content, filled, content.length - filled, range.offset + filled)
    if (bytesRead === 0) throw truncated(path, range, range.offset + filled)
    filled += bytesRead
  }
  return content
}

const compareBytes = 1024 * 1024

async function holds(path: string, pieces: readonly Uint8Array[]): Promise<boolean> {
  const file = await open(path, readOnly)
  try {
    let offset = 0
    for (const piece of pieces) {
      for (let done = 0; done < piece.length; done += compareBytes) {
        const part = piece.subarray(done, done + compareBytes)
        const buffer = Buffer.alloc(part.length)
        const { bytesRead } = await file.read(buffer, 0, part.length, offset)
        if (bytesRead !== part.length || !buffer.equals(part)) return false
        offset += part.length
      }
    }
    return (await file.stat()).size === offset
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function absent(path: string): RecoveryError {
  return new RecoveryError({
    code: 'OBJECT_ABSENT',
    class: 'permanent',
    message: `${path} is not there`,
    hint: 'see what is missing: `pointzero vault verify`',
  })
}

function truncated(path: string, range: ByteRange, sizeBytes: number): RecoveryError {
  return new RecoveryError({
    code: 'OBJECT_TRUNCATED',
    class: 'permanent',
    message: `${path} has ${sizeBytes} bytes; ${range.offset} to ${range.offset + range.length} were wanted`,
    hint: 'see what else is damaged: `pointzero vault verify`',
  })
}

function exists(path: string): RecoveryError {
  return new RecoveryError({
    code: 'OBJECT_EXISTS',
    class: 'refused',
    message: `${path} exists with other content, and what is sealed is never changed`,
    hint: 'see who else writes there; nothing was overwritten',
  })
}

function leadsOutside(folder: string, real: string): RecoveryError {
  return new RecoveryError({
    code: 'OBJECT_STORE_OUTSIDE',
    class: 'permanent',
    message: `${folder} leads out of its store, to ${real}`,
    hint: 'remove that link, and find out who made it',
  })
}

function lockUnsupported(name: string): RecoveryError {
  return new RecoveryError({
    code: 'OBJECT_LOCK_UNSUPPORTED',
    class: 'refused',
    message: `${name} is a directory: whoever owns it can delete what lies there`,
    hint: 'use a store with object lock, or declare no lock for this one',
  })
}

function storeError(what: string, path: string, cause: unknown): RecoveryError {
  if (cause instanceof RecoveryError) return cause
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  return new RecoveryError({
    code: code === 'ENOSPC' || code === 'EDQUOT' ? 'OBJECT_STORE_FULL' : 'OBJECT_STORE_FAILED',
    class: 'permanent',
    message: `${path}: ${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: 'look at the free space, the owner and the mount of that directory',
    cause,
  })
}
