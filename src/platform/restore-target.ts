import { constants } from 'node:fs'
import { chmod, chown, mkdir, open, readdir, realpath, rename, statfs, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { assert, RecoveryError } from '../domain/recovery-error.ts'
import { Turns } from '../domain/turns.ts'
import type { RestoreDirectory } from '../ports/restore-target.ts'
import { RestoredFile } from './restored-file.ts'
import type { Rooms } from './restored-file.ts'

export interface RestoreOwner {
  readonly uid: number
  readonly gid: number
}

/** A directory as a restore target. With `owner` everything in it, and it, belongs to that user (needs root). */
export function openRestoreTarget(directory: string, owner?: RestoreOwner): RestoreDirectory {
  const name = resolve(directory)
  const made = new Set<string>()
  // One file after the other in a directory: the kernel lets one in at a time, and threads that wait would spin on its lock.
  const creating = new Turns()
  const rooms: Rooms = []
  const inside = (path: string) => join(name, contained(path))
  return {
    name,
    async claim() {
      if (await makeDirectory(name, owner)) return
      const entries = await readdir(name).catch(() => ['(not a directory)'])
      if (entries.length > 0) throw notEmpty(name, entries)
      await chmod(name, 0o700)
      if (owner !== undefined) await chown(name, owner.uid, owner.gid)
    },
    async createDirectory(path) {
      if (!(await makeDirectory(inside(path), owner))) throw notEmpty(name, [path])
    },
    async createFile(path) {
      // O_EXCL neither replaces a file nor follows a link.
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
      const handle = await creating.inTurn(dirname(path), async () => open(inside(path), flags, 0o600))
      made.add(path)
      try {
        if (owner !== undefined) await handle.chown(owner.uid, owner.gid)
      } catch (error) {
        await handle.close()
        throw error
      }
      return new RestoredFile(handle, rooms)
    },
    async rename(from, to) {
      await rename(inside(from), inside(to))
      if (made.delete(from)) made.add(to)
    },
    async remove(path) {
      assert(made.has(path), 'a restore removes only what it wrote itself')
      await unlink(inside(path))
      made.delete(path)
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(name)
      return bavail * bsize
    },
    async syncDirectory(path) {
      if (path === '') {
        await syncPath(name)
        await syncPath(dirname(await realpath(name)))
      } else await syncPath(inside(path))
    },
  }
}

/** False when the name exists already. */
async function makeDirectory(path: string, owner: RestoreOwner | undefined): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  if (owner !== undefined) await chown(path, owner.uid, owner.gid)
  return true
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function contained(path: string): string {
  const parts = path.split('/')
  if (!path.includes('\0') && parts.every((part) => part !== '' && part !== '.' && part !== '..')) return path
  throw new RecoveryError({
    code: 'RESTORE_PATH_OUTSIDE',
    class: 'permanent',
    message: `not a path inside a restore target: ${JSON.stringify(path)}`,
    hint: 'the copy is damaged or hostile: take another one',
  })
}

function notEmpty(name: string, entries: readonly string[]): RecoveryError {
  return new RecoveryError({
    code: 'RESTORE_TARGET_NOT_EMPTY',
    class: 'refused',
    message: `${name} is not empty (${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ', …' : ''}): nothing is restored over it`,
    hint: `name an empty directory; this one can be kept aside: \`mv ${name} ${name}.before\``,
    context: { target: name },
  })
}
