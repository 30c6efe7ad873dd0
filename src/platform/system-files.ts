import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { RecoveryError, assert } from '../domain/recovery-error.ts'
import type { Files } from '../ports/files.ts'

export class SystemFiles implements Files {
  async read(path: string): Promise<Uint8Array | undefined> {
    assert(isAbsolute(path), 'paths are absolute')
    try {
      return new Uint8Array(await readFile(path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw fileError('FILE_UNREADABLE', path, error)
    }
  }

  async replace(path: string, content: Uint8Array): Promise<void> {
    assert(isAbsolute(path), 'paths are absolute')
    const folder = dirname(path)
    const beside = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}`)
    try {
      await makeDurably(folder)
      await writeDurably(beside, content)
      await rename(beside, path)
      await syncFolder(folder)
    } catch (error) {
      await rm(beside, { force: true })
      throw fileError('FILE_NOT_REPLACED', path, error)
    }
  }
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A new folder is only there after a power cut when its own name is durable in its parent. */
async function makeDurably(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (firstMade === undefined) return
  for (let made = folder; ; made = dirname(made)) {
    await syncFolder(dirname(made))
    if (made === firstMade || made === dirname(made)) return
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function fileError(code: string, path: string, cause: unknown): RecoveryError {
  const message = `${path}: ${(cause as Error).message}`
  const hint = 'look at the owner, the mode and the free space of that folder'
  return new RecoveryError({ code, class: 'permanent', message, hint, cause })
}
