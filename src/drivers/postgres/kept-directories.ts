import { lstat, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { KeptDirectory } from '../../ports/database-member.ts'
import { exists } from './owned-file.ts'

interface Known extends KeptDirectory {
  readonly changedMs: number
}

/** What earlier rejoins have left beside the data directory: whole copies (`.kept-n`), and WAL that nobody else has (`.diverged-n`). */
export class KeptDirectories {
  readonly #dataDirectory: string
  #known: ReadonlyMap<string, Known> = new Map()

  constructor(dataDirectory: string) {
    this.#dataDirectory = dataDirectory
  }

  /** In the order of their names. Nothing writes into them any more, so each is measured once, as long as its entries are the same. */
  async read(): Promise<readonly KeptDirectory[]> {
    const parent = dirname(this.#dataDirectory)
    const prefix = `${basename(this.#dataDirectory)}.`
    const names = (await entriesOf(parent)).filter(
      (name) => name.startsWith(prefix) && /^(kept|diverged)-\d+$/.test(name.slice(prefix.length)),
    )
    const seen = await Promise.all(names.sort().map(async (name) => this.#look(join(parent, name))))
    const there = seen.filter((one) => one !== undefined)
    this.#known = new Map(there.map((one) => [one.path, one]))
    return there.map(({ path, bytes }) => ({ path, bytes }))
  }

  async #look(path: string): Promise<Known | undefined> {
    try {
      const { mtimeMs: changedMs } = await lstat(path)
      const known = this.#known.get(path)
      return known?.changedMs === changedMs ? known : { path, bytes: await bytesIn(path), changedMs }
    } catch (error) {
      // Somebody removes it at this moment, which is what it is listed for.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}

/** A member that was never cloned has no place yet. */
async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size
  return bytes
}

/** A name beside the data directory that nothing has yet: `<data directory>.<what>-<n>`. */
export async function freeName(dataDirectory: string, what: string): Promise<string> {
  for (let n = 1; ; n++) {
    const path = `${dataDirectory}.${what}-${n}`
    if (!(await exists(path))) return path
  }
}
