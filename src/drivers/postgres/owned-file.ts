import { chown, lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RunAs } from './member-config.ts'

/** Replaces a file atomically and durably, mode 0600, readable by the server's user. */
export async function replaceOwnedFile(
  path: string,
  content: string,
  owner: RunAs | undefined,
): Promise<void> {
  const beside = `${path}.pointzero-new`
  await rm(beside, { force: true })
  const file = await open(beside, 'wx', 0o600)
  try {
    await file.writeFile(content)
    if (owner !== undefined) await file.chown(owner.uid, owner.gid)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
  await syncDirectory(dirname(path))
}

/** The content, or `undefined` when there is no such file. */
export async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true })
  await syncDirectory(dirname(path))
}

export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** Mode 0700, the server's user; its parents too when they do not exist. */
export async function makeOwnedDirectory(path: string, owner: RunAs | undefined): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined || owner === undefined) return
  for (let made = path; made.startsWith(first); made = dirname(made)) await chown(made, owner.uid, owner.gid)
}

/** Everything below the directory, and itself. Links are not followed. */
export async function giveAway(directory: string, owner: RunAs): Promise<void> {
  await chown(directory, owner.uid, owner.gid)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await giveAway(path, owner)
    else if (entry.isFile()) await chown(path, owner.uid, owner.gid)
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
}
