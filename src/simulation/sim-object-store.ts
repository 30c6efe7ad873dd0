import { RecoveryError, assert } from '../domain/recovery-error.ts'
import type { ByteRange, ObjectInfo, ObjectStore } from '../ports/object-store.ts'
import { onDisk } from './sim-archive.ts'
import type { DiskSetting } from './sim-archive.ts'

/** Objects on the disk of a simulated host, written as the store of files does: beside, synced, named, the name synced. */
export class SimObjectStore implements ObjectStore {
  readonly name = '/vault'
  readonly #setting: DiskSetting

  constructor(setting: DiskSetting) {
    this.#setting = setting
  }

  async putNew(name: string, pieces: readonly Uint8Array[]): Promise<'stored' | 'already-there'> {
    const setting = this.#setting
    const { disk } = setting.process.host
    const path = this.#at(name)
    const beside = `${this.name}/.unfinished/${setting.random.idBody(12)}`
    const content = new Uint8Array(Buffer.concat(pieces))
    await onDisk(setting, () => disk.write(beside, content))
    await onDisk(setting, () => disk.sync(beside))
    const held = await onDisk(setting, () => {
      const found = disk.read(path)
      if (found === undefined) disk.rename(beside, path)
      return found
    })
    if (held !== undefined && Buffer.compare(held, content) !== 0) throw problem('OBJECT_EXISTS', path)
    await onDisk(setting, () => disk.syncDirectory())
    return held === undefined ? 'stored' : 'already-there'
  }

  get(name: string, range?: ByteRange): Promise<Uint8Array> {
    return onDisk(this.#setting, () => {
      const content = this.#setting.process.host.disk.read(this.#at(name))
      if (content === undefined) throw problem('OBJECT_ABSENT', name)
      const { offset, length } = range ?? { offset: 0, length: content.length }
      assert(offset >= 0 && length >= 0, 'a range that begins inside the object')
      if (offset + length > content.length) throw problem('OBJECT_TRUNCATED', name)
      return content.subarray(offset, offset + length)
    })
  }

  head(name: string): Promise<ObjectInfo | undefined> {
    return onDisk(this.#setting, () => {
      const sizeBytes = this.#setting.process.host.disk.sizeOf(this.#at(name))
      return sizeBytes === undefined ? undefined : { name, sizeBytes }
    })
  }

  list(prefix: string): Promise<readonly ObjectInfo[]> {
    const { disk } = this.#setting.process.host
    const root = `${this.name}/`
    return onDisk(this.#setting, () =>
      disk
        .list(root + prefix)
        .filter((path) => !path.startsWith(`${root}.`))
        .map((path) => ({ name: path.slice(root.length), sizeBytes: disk.sizeOf(path) ?? 0 })),
    )
  }

  #at(name: string): string {
    return `${this.name}/${name}`
  }
}

function problem(code: 'OBJECT_EXISTS' | 'OBJECT_ABSENT' | 'OBJECT_TRUNCATED', name: string): RecoveryError {
  return new RecoveryError({
    code,
    class: 'permanent',
    message: `${name}: ${code}`,
    hint: 'verify it with `pointzero vault verify`',
  })
}
