import { readFile } from 'node:fs/promises'
import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'

/** Reads a file that the command line named. Absent and unreadable are the caller's mistake, not a failure of recovery. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new RecoveryError({
      code: 'FILE_UNREADABLE',
      class: 'invalid-estate',
      message: `${path}: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'name a file that exists and that you may read',
      cause: error,
    })
  }
}

export async function readJson(path: string): Promise<Json> {
  const text = new TextDecoder().decode(await readBytes(path))
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw new RecoveryError({
      code: 'FILE_NOT_JSON',
      class: 'invalid-estate',
      message: `${path}: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'name the file as Pointzero wrote it',
      cause: error,
    })
  }
}
