import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Path and SHA-256 of every file below. */
export async function fileDigests(directory: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const found = new Map<string, string>()
  for (const file of files.toSorted()) {
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
    found.set(file.slice(directory.length + 1), digest)
  }
  return found
}
