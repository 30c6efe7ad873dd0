import { RecoveryError } from '../domain/recovery-error.ts'
import type { ArchiveDirectory, ArchiveFile, ArchiveLock } from '../ports/archive-directory.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'

export interface DiskSetting {
  readonly loop: EventLoop
  readonly process: SimProcess
  readonly random: SimRandom
}

/** What `act` does to the host's disk, a moment later; nothing if the process died before, and nobody hears of it if it dies after. */
export function onDisk<T>({ loop, process, random }: DiskSetting, act: () => T): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  loop.after(random.between(20, 400), () => {
    process.deliver(() => {
      let settle: () => void
      try {
        const value = act()
        settle = () => resolve(value)
      } catch (error) {
        settle = () => reject(error)
      }
      loop.after(random.between(5, 200), () => process.resume(settle))
    })
  })
  return promise
}

/** An archive on the disk of a simulated host: torn by power cuts, refused by its faults. */
export class SimArchive implements ArchiveDirectory {
  readonly name = '/archive'
  readonly #setting: DiskSetting

  constructor(setting: DiskSetting) {
    this.#setting = setting
  }

  list(folder: string): Promise<readonly string[]> {
    const prefix = `${this.name}/${folder === '' ? '' : `${folder}/`}`
    return onDisk(this.#setting, () => {
      const inside = this.#disk.list(prefix).map((path) => path.slice(prefix.length))
      return [...new Set(inside.map((path) => path.replace(/\/.*/, '')))]
    })
  }

  sizes(folder: string): Promise<ReadonlyMap<string, number>> {
    const prefix = `${this.name}/${folder}/`
    return onDisk(this.#setting, () => {
      const inside = this.#disk.list(prefix).filter((path) => !path.slice(prefix.length).includes('/'))
      return new Map(inside.map((path) => [path.slice(prefix.length), this.#disk.sizeOf(path) ?? 0]))
    })
  }

  sizeOf(path: string): Promise<number | undefined> {
    return onDisk(this.#setting, () => this.#disk.sizeOf(this.#at(path)))
  }

  read(path: string, offset: number, length: number): Promise<Uint8Array> {
    return onDisk(this.#setting, () => this.#disk.readAt(this.#at(path), offset, length) ?? new Uint8Array(0))
  }

  /** Folders are prefixes of names here: they need no making. */
  makeFolder(): Promise<void> {
    return onDisk(this.#setting, () => undefined)
  }

  async open(path: string): Promise<ArchiveFile> {
    const setting = this.#setting
    const disk = this.#disk
    const at = this.#at(path)
    await onDisk(setting, () => disk.create(at))
    // A file goes on under its new name when it is renamed; the product renames closed ones only.
    return {
      write: (offset, bytes) => onDisk(setting, () => disk.writeAt(at, offset, bytes)),
      read: (offset, length) => onDisk(setting, () => disk.readAt(at, offset, length) ?? new Uint8Array(0)),
      sync: () => onDisk(setting, () => disk.sync(at)),
      resize: (bytes) => onDisk(setting, () => disk.resize(at, bytes)),
      size: () => onDisk(setting, () => disk.sizeOf(at) ?? 0),
      close: () => onDisk(setting, () => undefined),
    }
  }

  rename(from: string, to: string): Promise<void> {
    return onDisk(this.#setting, () => {
      if (this.#disk.sizeOf(this.#at(to)) !== undefined) throw exists(to)
      this.#disk.rename(this.#at(from), this.#at(to))
    })
  }

  syncFolder(): Promise<void> {
    return onDisk(this.#setting, () => this.#disk.syncDirectory())
  }

  /** One process a host writes here; which, the simulation decides. */
  lock(): Promise<ArchiveLock> {
    return onDisk(this.#setting, () => ({ release: () => undefined }))
  }

  get #disk() {
    return this.#setting.process.host.disk
  }

  #at(path: string): string {
    return `${this.name}/${path}`
  }
}

function exists(path: string): RecoveryError {
  return new RecoveryError({
    code: 'ARCHIVE_NAME_TAKEN',
    class: 'permanent',
    message: `${path} is there already`,
    hint: 'look at the archive with `pointzero points --verify`',
  })
}
