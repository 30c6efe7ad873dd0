import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import type { RestoreFile, RestoreTarget } from '../ports/restore-target.ts'
import type { ReceivedFile } from './backup-manifest.ts'
import { joinBytes } from './postgres-message.ts'
import type { TarEvent } from './tar-reader.ts'
import { archiveRefused } from './tar-header.ts'
import { walSegmentHeadBytes, walSegmentName } from './wal-segment-head.ts'
import type { ReceivedSegment } from './wal-segment-head.ts'

/** Without this file PostgreSQL does not start: it is held back until everything else is durable and verified. */
export const controlFile = 'global/pg_control'
const labelFile = 'backup_label'
/** Both are held in memory; they are 8 KiB and a few hundred bytes. */
const heldLimitBytes = 64 * 1024
/** Files that are being made durable while the next ones arrive. */
const parallelSyncs = 8

interface OpenFile {
  readonly path: string
  readonly file: RestoreFile | undefined
  readonly hash: Hash
  readonly kept: Uint8Array[]
  readonly keptLimitBytes: number
  keptBytes: number
  sizeBytes: number
}

/** Writes the files of one data directory as their tar is read, hashes them on the way and makes each durable. */
export class CloneWriter {
  readonly received = new Map<string, ReceivedFile>()
  readonly segments = new Map<string, ReceivedSegment>()
  /** Content of pg_control and backup_label. */
  readonly held = new Map<string, Uint8Array>()
  writtenBytes = 0
  readonly #target: RestoreTarget
  readonly #directories = new Set<string>([''])
  readonly #syncs = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined
  #open: OpenFile | undefined

  constructor(target: RestoreTarget) {
    this.#target = target
  }

  /** True once the target holds anything. */
  get started(): boolean {
    return this.#directories.size > 1 || this.#open !== undefined || this.received.size > 0
  }

  async apply(event: TarEvent): Promise<void> {
    switch (event.kind) {
      case 'directory':
        await this.#ensureDirectory(event.path)
        return
      case 'file':
        await this.#begin(event.path)
        return
      case 'data':
        await this.#append(event.bytes)
        return
      case 'file-end':
        await this.#end()
        return
      case 'symlink':
        throw archiveRefused(`${event.path} is a link, and this copy has no tablespaces`)
    }
  }

  /** A file that is not in the archive. Durable when it resolves, its name after `sync`. */
  async writeWhole(path: string, content: Uint8Array): Promise<void> {
    const file = await this.#target.createFile(path)
    try {
      await file.write([content])
      await file.sync()
    } finally {
      await file.close()
    }
  }

  /** Every file and every name is durable when it resolves. */
  async sync(): Promise<void> {
    while (this.#syncs.size > 0) await Promise.all(this.#syncs)
    this.#check()
    // Children first: a directory is complete before its own name is made durable.
    for (const path of [...this.#directories].reverse()) await this.#target.syncDirectory(path)
  }

  /** After a failure: no file stays open. */
  async abandon(): Promise<void> {
    await Promise.all(this.#syncs)
    const open = this.#open
    this.#open = undefined
    await open?.file?.close().catch(() => undefined)
  }

  async #ensureDirectory(path: string): Promise<void> {
    if (this.#directories.has(path)) return
    await this.#ensureDirectory(parentOf(path))
    this.#directories.add(path)
    await this.#target.createDirectory(path)
  }

  async #begin(path: string): Promise<void> {
    await this.#ensureDirectory(parentOf(path))
    const held = path === controlFile || path === labelFile
    this.#open = {
      path,
      file: path === controlFile ? undefined : await this.#target.createFile(path),
      hash: createHash('sha256'),
      kept: [],
      keptLimitBytes: held ? heldLimitBytes : walSegmentName.test(path) ? walSegmentHeadBytes : 0,
      keptBytes: 0,
      sizeBytes: 0,
    }
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const open = this.#current()
    open.hash.update(bytes)
    open.sizeBytes += bytes.length
    this.writtenBytes += bytes.length
    const keptBytes = Math.min(bytes.length, open.keptLimitBytes - open.keptBytes)
    if (keptBytes > 0) {
      open.kept.push(bytes.slice(0, keptBytes))
      open.keptBytes += keptBytes
    }
    await open.file?.write([bytes])
  }

  async #end(): Promise<void> {
    const open = this.#current()
    this.#open = undefined
    const { path, sizeBytes } = open
    const content = joinBytes(open.kept)
    this.received.set(path, { sizeBytes, sha256: open.hash.digest('hex') })
    if (open.keptLimitBytes === heldLimitBytes) {
      if (sizeBytes > heldLimitBytes) throw archiveRefused(`${path} has ${sizeBytes} bytes`)
      this.held.set(path, content)
    } else if (open.keptLimitBytes > 0) this.segments.set(path, { head: content, sizeBytes })
    if (open.file !== undefined) this.#startSync(open.file)
    while (this.#syncs.size >= parallelSyncs) await Promise.race(this.#syncs)
    this.#check()
  }

  #startSync(file: RestoreFile): void {
    const sync = finishFile(file)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#syncs.delete(sync))
    this.#syncs.add(sync)
  }

  /** A failed fsync is never repeated: the kernel may have dropped the pages (the copy is lost, not the source). */
  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #current(): OpenFile {
    if (this.#open === undefined) throw archiveRefused('data outside a file')
    return this.#open
  }
}

async function finishFile(file: RestoreFile): Promise<void> {
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}
