import type { ArchiveDirectory, ArchiveFile } from '../../src/ports/archive-directory.ts'
import { FaultPlan } from './fault-plan.ts'

const pageBytes = 512

interface StoredFile {
  /** What a reader sees: the page cache. */
  content: Uint8Array
  /** What a power cut leaves. */
  durable: Uint8Array
  readonly dirty: Set<number>
}

/**
 * Files as an operating system keeps them: a sync makes durable what is dirty, and one that fails forgets what was dirty, so that the next one
 * succeeds without it. Every call can fail, by `plan`; a call that fails may have written half.
 */
export class FailingArchive implements ArchiveDirectory {
  readonly name = '/archive'
  readonly files = new Map<string, StoredFile>()
  plan = new FaultPlan()

  async list(folder: string): Promise<readonly string[]> {
    this.plan.enter(`list ${folder}`)
    const prefix = folder === '' ? '' : `${folder}/`
    const inside = [...this.files.keys()].filter((path) => path.startsWith(prefix))
    return inside.map((path) => path.slice(prefix.length)).toSorted()
  }

  async sizes(folder: string): Promise<ReadonlyMap<string, number>> {
    const names = await this.list(folder)
    return new Map(names.map((name) => [name, this.files.get(`${folder}/${name}`)?.content.length ?? 0]))
  }

  async sizeOf(path: string): Promise<number | undefined> {
    this.plan.enter(`size of ${path}`)
    return this.files.get(path)?.content.length
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    this.plan.enter(`read ${path}`)
    return this.files.get(path)?.content.slice(offset, offset + length) ?? new Uint8Array(0)
  }

  async makeFolder(folder: string): Promise<void> {
    this.plan.enter(`make ${folder}`)
  }

  async open(path: string): Promise<ArchiveFile> {
    this.plan.enter(`open ${path}`)
    const file = this.files.get(path) ?? {
      content: new Uint8Array(0),
      durable: new Uint8Array(0),
      dirty: new Set(),
    }
    this.files.set(path, file)
    return opened(path, file, this.plan)
  }

  async rename(from: string, to: string): Promise<void> {
    this.plan.enter(`rename ${from}`)
    const file = this.files.get(from)
    if (file === undefined || this.files.has(to)) throw new Error(`${from} to ${to}`)
    this.files.delete(from)
    this.files.set(to, file)
  }

  async syncFolder(folder: string): Promise<void> {
    this.plan.enter(`sync the folder ${folder}`)
  }

  async lock() {
    return { release: () => undefined }
  }
}

function opened(path: string, file: StoredFile, plan: FaultPlan): ArchiveFile {
  plan.openFiles += 1
  let isOpen = true
  const write = (offset: number, bytes: Uint8Array): void => {
    if (offset + bytes.length > file.content.length) resize(file, offset + bytes.length)
    file.content.set(bytes, offset)
    for (let at = offset - (offset % pageBytes); at < offset + bytes.length; at += pageBytes)
      file.dirty.add(at)
  }
  return {
    async write(offset, bytes) {
      if (plan.calls + 1 === plan.failAt) write(offset, bytes.subarray(0, bytes.length >> 1))
      plan.enter(`write ${path}`)
      write(offset, bytes)
    },
    async read(offset, length) {
      plan.enter(`read ${path}`)
      return file.content.slice(offset, offset + length)
    },
    async sync() {
      const dirty = [...file.dirty]
      file.dirty.clear()
      plan.enter(`sync ${path}`)
      const durable = new Uint8Array(file.content.length)
      durable.set(file.durable.subarray(0, durable.length))
      for (const at of dirty) durable.set(file.content.subarray(at, at + pageBytes), at)
      file.durable = durable
    },
    async resize(bytes) {
      plan.enter(`resize ${path}`)
      resize(file, bytes)
    },
    async size() {
      plan.enter(`size of open ${path}`)
      return file.content.length
    },
    async close() {
      if (!isOpen) return
      isOpen = false
      plan.openFiles -= 1
    },
  }
}

function resize(file: StoredFile, bytes: number): void {
  const resized = new Uint8Array(bytes)
  resized.set(file.content.subarray(0, bytes))
  file.content = resized
  for (const at of file.dirty) if (at >= bytes) file.dirty.delete(at)
}
