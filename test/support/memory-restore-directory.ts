import { RecoveryError } from '../../src/domain/recovery-error.ts'
import type { RestoreDirectory, RestoreFile } from '../../src/ports/restore-target.ts'

/** A restore target in memory. */
export class MemoryRestoreDirectory implements RestoreDirectory {
  readonly name = '/restore/here'
  readonly files = new Map<string, Uint8Array>()
  readonly directories = new Set<string>()
  readonly log: string[] = []
  free = Number.MAX_SAFE_INTEGER
  /** Fails the write that reaches so many bytes. */
  roomBytes = Number.POSITIVE_INFINITY
  #writtenBytes = 0

  async claim(): Promise<void> {
    if (this.files.size === 0 && this.directories.size === 0) return
    throw new RecoveryError({ code: 'RESTORE_TARGET_NOT_EMPTY', class: 'refused', message: '', hint: 'x' })
  }

  async createDirectory(path: string): Promise<void> {
    this.directories.add(path)
  }

  async createFile(path: string): Promise<RestoreFile> {
    if (this.files.has(path)) throw new Error(`${path} exists`)
    this.files.set(path, new Uint8Array(0))
    return {
      write: async (pieces: readonly Uint8Array[]) => {
        for (const piece of pieces) this.#writtenBytes += piece.length
        if (this.#writtenBytes > this.roomBytes) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
        this.files.set(path, Buffer.concat([this.files.get(path) as Uint8Array, ...pieces]))
      },
      sync: async () => void this.log.push(`sync ${path}`),
      close: async () => undefined,
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.log.push(`rename ${from} ${to}`)
    const content = this.files.get(from)
    if (content === undefined) throw new Error(`${from} is not there`)
    this.files.set(to, content)
    this.files.delete(from)
  }

  async remove(path: string): Promise<void> {
    this.log.push(`remove ${path}`)
    this.files.delete(path)
  }

  async syncDirectory(path: string): Promise<void> {
    this.log.push(`sync-directory ${path}`)
  }

  async freeBytes(): Promise<number> {
    return this.free
  }
}
