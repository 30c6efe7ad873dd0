import { createHash } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { RestoreDirectory, RestoreFile } from '../ports/restore-target.ts'
import type { TableEntry } from './file-table.ts'
import type { Manifest } from './manifest.ts'
import type { RecoveryKey } from './recipient.ts'
import { readDigests, SnapshotReader } from './snapshot-reader.ts'
import { damaged } from './vault-damage.ts'
import type { Vault } from './vault-descriptor.ts'

/** In the target until everything else is complete; pg_control gets its name after this one is gone. */
const incompleteMark = 'RESTORE_INCOMPLETE'
const controlFile = 'global/pg_control'
/** Files that are being made durable while the next ones are written. */
const parallelSyncs = 8
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

type FileEntry = TableEntry & { readonly kind: 'file' }

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
    await writer.write(control, `${controlFile}.partial`)
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
    else await writer.write(entry, entry.path)
    files += 1
    bytes += entry.bytes
    onProgress?.(bytes, reader.manifest.totals.bytes)
  }
  const [missing] = listed.keys()
  if (missing !== undefined) throw damaged(object, `${missing} is in backup_manifest only`)
  if (control === undefined) throw damaged(object, `it has no ${controlFile}`)
  return { files, bytes, control }
}

/** Writes files one after the other, and makes several durable at once. */
class FileWriter {
  readonly directories: string[] = []
  readonly #reader: SnapshotReader
  readonly #target: RestoreDirectory
  readonly #syncs = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(reader: SnapshotReader, target: RestoreDirectory) {
    this.#reader = reader
    this.#target = target
  }

  async directory(path: string): Promise<void> {
    await this.#target.createDirectory(path)
    this.directories.push(path)
  }

  async write(entry: FileEntry, path: string): Promise<void> {
    const file = await this.#target.createFile(path)
    const hash = createHash('sha256')
    let writing = Promise.resolve()
    try {
      for await (const { bytes } of this.#reader.pieces(entry)) {
        const content = await bytes
        await writing
        writing = file.write([content])
        writing.catch(() => undefined)
        hash.update(content)
      }
      if (hash.digest('hex') !== entry.sha256) throw damaged(entry.path, 'its SHA-256 is another one')
    } catch (error) {
      await writing.catch(() => undefined)
      await file.close()
      throw error
    }
    await this.#finish(file, writing)
  }

  async writeWhole(path: string, content: Uint8Array): Promise<void> {
    const file = await this.#target.createFile(path)
    await this.#finish(file, file.write([content]))
  }

  /** Every file is durable when it resolves. A failed fsync is never repeated. */
  async settle(): Promise<void> {
    while (this.#syncs.size > 0) await Promise.all(this.#syncs)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async abandon(): Promise<void> {
    await Promise.all(this.#syncs)
  }

  async #finish(file: RestoreFile, writing: Promise<void>): Promise<void> {
    const sync = settleFile(file, writing)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#syncs.delete(sync))
    this.#syncs.add(sync)
    while (this.#syncs.size >= parallelSyncs) await Promise.race(this.#syncs)
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

async function settleFile(file: RestoreFile, writing: Promise<void>): Promise<void> {
  try {
    await writing
    await file.sync()
  } finally {
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
