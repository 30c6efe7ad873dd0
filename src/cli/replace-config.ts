import { randomBytes } from 'node:crypto'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { RecoveryError } from '../domain/recovery-error.ts'
import { readBytes } from './read-json.ts'

/** What a configuration file held when it was read; it is only replaced while it still does. */
export interface ConfigEdit {
  readonly file: string
  readonly before: Uint8Array
  readonly after: string
  readonly nowMs: number
}

/**
 * Keeps the old content beside the file, under a name of its own, and then replaces the file atomically and durably, with the owner and the
 * mode that it had: the process that reads it may be another user's. A link stays a link.
 */
export async function replaceConfig({ file, before, after, nowMs }: ConfigEdit): Promise<string> {
  const path = await realpath(file)
  const stamp = new Date(nowMs).toISOString().replaceAll(':', '-')
  const backup = `${path}.${stamp}`
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  try {
    await writeLike(path, backup, before)
    await writeLike(path, beside, after)
    if (Buffer.compare(await readBytes(path), before) !== 0) throw changedMeanwhile(path)
    await rename(beside, path)
    await syncFolder(dirname(path))
    return backup
  } catch (error) {
    await rm(beside, { force: true })
    if (error instanceof RecoveryError) throw error
    throw new RecoveryError({
      code: 'FILE_NOT_REPLACED',
      class: 'permanent',
      message: `${path}: ${(error as Error).message}`,
      hint: 'look at the owner, the mode and the free space of that folder',
      cause: error,
    })
  }
}

async function writeLike(model: string, path: string, content: string | Uint8Array): Promise<void> {
  const { mode, uid, gid } = await stat(model)
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    // Only a superuser may give a file away; anybody else writes as who they are, and the file was theirs or is readable by group.
    if (process.getuid?.() === 0) await file.chown(uid, gid)
    await file.chmod(mode & 0o777)
    await file.sync()
  } finally {
    await file.close()
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

function changedMeanwhile(path: string): RecoveryError {
  return new RecoveryError({
    code: 'CONFIG_CHANGED',
    class: 'transient',
    message: `${path} was changed by somebody else at the same moment; nothing was written`,
    hint: 'look at the file, then try again',
  })
}
