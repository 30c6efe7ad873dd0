import { fdatasync, fdatasyncSync, writeSync } from 'node:fs'
import { mkdir, open, readdir, rename, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { constants } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ArchiveDirectory, ArchiveFile, ArchiveLock } from '../ports/archive-directory.ts'

const syncData = promisify(fdatasync)

/** A directory of the file system. Its lock is one of the operating system, so that it ends with the process however that ends. */
export function openSystemArchive(directory: string): ArchiveDirectory {
  const name = resolve(directory)
  const inside = (path: string) => join(name, contained(path))
  return {
    name,
    async list(folder) {
      return whenPresent(async () => (await readdir(inside(folder))).toSorted(), [])
    },
    async sizes(folder) {
      const names = (await whenPresent(async () => readdir(inside(folder)), [])).toSorted()
      const sized = names.map(async (file) => {
        const found = await whenPresent(async () => stat(inside(`${folder}/${file}`)), undefined)
        return found?.isFile() === true ? ([[file, found.size]] as const) : []
      })
      return new Map((await Promise.all(sized)).flat())
    },
    async sizeOf(path) {
      return whenPresent(async () => (await stat(inside(path))).size, undefined)
    },
    async read(path, offset, length) {
      return whenPresent(async () => {
        const handle = await open(inside(path), constants.O_RDONLY)
        try {
          return await readFrom(handle, offset, length)
        } finally {
          await handle.close()
        }
      }, new Uint8Array(0))
    },
    async makeFolder(folder) {
      await makeDurably(inside(folder))
    },
    async open(path) {
      return archiveFile(await open(inside(path), constants.O_RDWR | constants.O_CREAT, 0o600))
    },
    async rename(from, to) {
      if ((await stat(inside(to)).catch(() => undefined)) !== undefined) throw exists(inside(to))
      await rename(inside(from), inside(to))
    },
    async syncFolder(folder) {
      await syncPath(inside(folder))
    },
    async lock() {
      await makeDurably(name)
      return takeLock(name)
    },
  }
}

function archiveFile(handle: FileHandle): ArchiveFile {
  return {
    // A few microseconds into the page cache: a thread would cost more than it saves. Only the sync waits for the disk.
    async write(offset, bytes) {
      for (let done = 0; done < bytes.length;)
        done += writeSync(handle.fd, bytes, done, bytes.length - done, offset + done)
    },
    read: async (offset, length) => readFrom(handle, offset, length),
    async sync(how) {
      if (how === 'at-once') fdatasyncSync(handle.fd)
      else await syncData(handle.fd)
    },
    resize: async (bytes) => handle.truncate(bytes),
    size: async () => (await handle.stat()).size,
    close: async () => handle.close(),
  }
}

async function readFrom(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) return bytes.subarray(0, filled)
    filled += bytesRead
  }
  return bytes
}

async function whenPresent<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise
    throw error
  }
}

async function makeDurably(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (firstMade === undefined) return
  for (let made = folder; ; made = dirname(made)) {
    await syncPath(dirname(made))
    if (made === firstMade || made === dirname(made)) return
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Node has no file locks; SQLite takes one on its file and holds it while a transaction is open. Nothing is stored there. */
function takeLock(directory: string): ArchiveLock {
  const database = new DatabaseSync(join(directory, 'lock'))
  try {
    database.exec('pragma busy_timeout = 0; pragma journal_mode = memory; begin exclusive')
  } catch (cause) {
    database.close()
    throw new RecoveryError({
      code: 'ARCHIVE_IN_USE',
      class: 'refused',
      message: `${directory} has a writer already: two would write over each other`,
      hint: `see who it is: \`fuser -v ${directory}/lock\``,
      cause,
    })
  }
  return {
    release() {
      database.exec('rollback')
      database.close()
    },
  }
}

function contained(path: string): string {
  if (path === '') return ''
  const parts = path.split('/')
  if (!path.includes('\0') && parts.every((part) => part !== '' && part !== '.' && part !== '..')) return path
  throw new RecoveryError({
    code: 'ARCHIVE_PATH_OUTSIDE',
    class: 'bug',
    message: `not a path inside an archive: ${JSON.stringify(path)}`,
    hint: 'report this',
  })
}

function exists(path: string): RecoveryError {
  return new RecoveryError({
    code: 'ARCHIVE_NAME_TAKEN',
    class: 'permanent',
    message: `${path} exists already and is not replaced`,
    hint: 'look at both files before one of them is moved away',
  })
}
