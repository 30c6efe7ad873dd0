import type { ArchiveDirectory, ArchiveFile } from '../../src/ports/archive-directory.ts'

/** Files in memory that know what a power cut would leave of their content. */
export class MemoryArchive implements ArchiveDirectory {
  readonly name = '/archive'
  readonly files = new Map<string, { content: Uint8Array; durable: Uint8Array }>()
  syncs = 0
  /** Each sync waits for it. */
  beforeSync: () => Promise<void> = async () => undefined

  async list(folder: string): Promise<readonly string[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const inside = [...this.files.keys()].filter((path) => path.startsWith(prefix))
    return inside.map((path) => path.slice(prefix.length)).toSorted()
  }

  async sizes(folder: string): Promise<ReadonlyMap<string, number>> {
    const names = await this.list(folder)
    return new Map(names.map((name) => [name, this.files.get(`${folder}/${name}`)?.content.length ?? 0]))
  }

  async sizeOf(path: string): Promise<number | undefined> {
    return this.files.get(path)?.content.length
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.files.get(path)?.content.slice(offset, offset + length) ?? new Uint8Array(0)
  }

  async makeFolder(): Promise<void> {
    // Paths alone make folders here.
  }

  async open(path: string): Promise<ArchiveFile> {
    const file = this.files.get(path) ?? { content: new Uint8Array(0), durable: new Uint8Array(0) }
    this.files.set(path, file)
    const resize = (bytes: number): void => {
      const grown = new Uint8Array(bytes)
      grown.set(file.content.subarray(0, bytes))
      file.content = grown
    }
    return {
      async write(offset, bytes) {
        if (offset + bytes.length > file.content.length) resize(offset + bytes.length)
        file.content.set(bytes, offset)
      },
      read: async (offset, length) => file.content.slice(offset, offset + length),
      sync: async () => {
        const written = file.content.slice()
        await this.beforeSync()
        this.syncs += 1
        file.durable = written
      },
      resize: async (bytes) => resize(bytes),
      size: async () => file.content.length,
      close: async () => undefined,
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.files.get(from)
    if (file === undefined || this.files.has(to)) throw new Error(`${from} to ${to}`)
    this.files.delete(from)
    this.files.set(to, file)
  }

  async syncFolder(): Promise<void> {
    // Names are durable at once.
  }

  async lock() {
    return { release: () => undefined }
  }
}
