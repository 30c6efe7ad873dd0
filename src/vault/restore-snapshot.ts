import { createHash } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { RestoreDirectory, RestoreFile } from '../ports/restore-target.ts'
import type { Manifest } from './manifest.ts'
import { ReadFiles } from './read-files.ts'
import type { FileEntry } from './read-files.ts'
import type { RecoveryKey } from './recipient.ts'
import { readDigests, SnapshotReader } from './snapshot-reader.ts'
import type { FilePiece } from './snapshot-reader.ts'
import { damaged } from './vault-damage.ts'
import type { Vault } from './vault-descriptor.ts'

/** In the target until everything else is complete; pg_control gets its name after this one is gone. */
const incompleteMark = 'RESTORE_INCOMPLETE'
const controlFile = 'global/pg_control'
/** A long file is made durable in parts of so much, each while the next one is written. */
const syncEveryBytes = 32 * 1024 * 1024
/** On top of the files: directories, and blocks that are not full. */
const spareBytes = 32 * 1024 * 1024
const bytesPerFile = 4096

export interface RestoreOptions {
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

export interface Restored {
  readonly files: number
  readonly bytes: number
}

/**
 * Writes a snapshot into an empty target. Every file is compared with the SHA-256 of PostgreSQL's own manifest while it is written;
 * pg_control comes last, so that nothing starts from an incomplete copy. After a failure the target is marked unusable.
 */
export async function restoreSnapshot(
  vault: Vault,
  manifest: Manifest,
  key: RecoveryKey,
  target: RestoreDirectory,
  options: RestoreOptions = {},
): Promise<Restored> {
  const reader = await SnapshotReader.open(vault, manifest, key)
  const digests = await readDigests(reader)
  await target.claim()
  await requireRoom(target, manifest)
  const writer = new FileWriter(reader, target)
  try {
    await mark(target, manifest)
    const { control, ...done } = await writeAll(reader, writer, digests.files, options)
    await writer.writeWhole('backup_manifest', digests.bytes)
    await writer.write(control)
    await writer.settle()
    for (const path of writer.directories.toReversed()) await target.syncDirectory(path)
    await target.remove(incompleteMark)
    await target.syncDirectory('')
    await target.rename(`${controlFile}.partial`, controlFile)
    await target.syncDirectory('global')
    return done
  } catch (error) {
    await writer.abandon()
    // Its last name may be there already and not be durable: an error says "unusable", so nothing may start here.
    await target.rename(controlFile, `${controlFile}.partial`).catch(() => undefined)
    throw unusable(target, error)
  }
}

async function writeAll(
  reader: SnapshotReader,
  writer: FileWriter,
  listed: Map<string, { readonly sha256: string; readonly sizeBytes: number }>,
  { onProgress }: RestoreOptions,
) {
  const object = `the file table of ${reader.manifest.snapshot}`
  let [files, bytes] = [0, 0]
  let control: FileEntry | undefined
  for await (const entry of reader.entries()) {
    if (entry.kind === 'directory') {
      await writer.directory(entry.path)
      continue
    }
    const file = listed.get(entry.path)
    listed.delete(entry.path)
    const isSame = file?.sha256 === entry.sha256 && file.sizeBytes === entry.bytes
    if (!isSame && !(file === undefined && entry.path.startsWith('pg_wal/'))) {
      throw damaged(object, `${entry.path} is not what backup_manifest says`)
    }
    if (entry.path === controlFile) control = entry
    else await writer.write(entry)
    files += 1
    bytes += entry.bytes
    onProgress?.(bytes, reader.manifest.totals.bytes)
  }
  const [missing] = listed.keys()
  if (missing !== undefined) throw damaged(object, `${missing} is in backup_manifest only`)
  if (control === undefined) throw damaged(object, `it has no ${controlFile}`)
  return { files, bytes, control }
}

/** Writes files, several at once. */
class FileWriter {
  readonly directories: string[] = []
  readonly #target: RestoreDirectory
  readonly #files: ReadFiles

  constructor(reader: SnapshotReader, target: RestoreDirectory) {
    this.#target = target
    this.#files = new ReadFiles(reader, async (file, pieces) => {
      const path = file.path === controlFile ? `${controlFile}.partial` : file.path
      await writeFile(await target.createFile(path), file, pieces)
    })
  }

  async directory(path: string): Promise<void> {
    await this.#target.createDirectory(path)
    this.directories.push(path)
  }

  async write(entry: FileEntry): Promise<void> {
    await this.#files.read(entry)
  }

  async writeWhole(path: string, content: Uint8Array): Promise<void> {
    const file = await this.#target.createFile(path)
    try {
      await file.write([content])
      await file.sync()
    } finally {
      await file.close()
    }
  }

  /** Every file is durable when it resolves. */
  async settle(): Promise<void> {
    await this.#files.finish()
  }

  async abandon(): Promise<void> {
    await this.#files.abandon()
  }
}

/** Compares the content with its digest while it is written. Durable when it resolves; a failed sync is never repeated. */
async function writeFile(
  file: RestoreFile,
  { path, sha256 }: FileEntry,
  pieces: AsyncIterable<FilePiece>,
): Promise<void> {
  const hash = createHash('sha256')
  let syncing = Promise.resolve()
  let unsyncedBytes = 0
  try {
    for await (const { bytes } of pieces) {
      const content = await bytes
      const writing = file.write([content])
      writing.catch(() => undefined)
      hash.update(content)
      await writing
      unsyncedBytes += content.length
      if (unsyncedBytes < syncEveryBytes) continue
      // The disk has something to do before the file is complete.
      await syncing
      syncing = file.sync()
      syncing.catch(() => undefined)
      unsyncedBytes = 0
    }
    if (hash.digest('hex') !== sha256) throw damaged(path, 'its SHA-256 is another one')
    await syncing
    await file.sync()
  } finally {
    await syncing.catch(() => undefined)
    await file.close()
  }
}

async function requireRoom(target: RestoreDirectory, { totals }: Manifest): Promise<void> {
  const neededBytes = totals.bytes + totals.files * bytesPerFile + spareBytes
  const freeBytes = await target.freeBytes()
  if (freeBytes >= neededBytes) return
  throw new RecoveryError({
    code: 'RESTORE_NO_ROOM',
    class: 'refused',
    message: `${target.name} has room for ${freeBytes} bytes, this snapshot needs ${neededBytes}; nothing was written`,
    hint: `restore to a larger disk, or free space there: \`df ${target.name}\``,
    context: { freeBytes, neededBytes },
  })
}

async function mark(target: RestoreDirectory, { snapshot }: Manifest): Promise<void> {
  const file = await target.createFile(incompleteMark)
  try {
    const text = `A restore of ${snapshot} has not finished here. While this file exists the directory is unusable: remove it.\n`
    await file.write([new TextEncoder().encode(text)])
    await file.sync()
  } finally {
    await file.close()
  }
  await target.syncDirectory('')
}

function unusable(target: RestoreDirectory, cause: unknown): RecoveryError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new RecoveryError({
    code: 'RESTORE_INCOMPLETE',
    class: 'permanent',
    message: `${target.name} is unusable: the restore into it did not finish: ${why}`,
    hint: `remove it (\`rm -r ${target.name}\`) and restore again${cause instanceof RecoveryError ? `; first: ${cause.hint}` : ''}`,
    cause,
    context: { target: target.name },
  })
}
