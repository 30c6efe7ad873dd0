import { createHash } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import { readPackList } from './known-chunks.ts'
import type { Manifest } from './manifest.ts'
import { packName } from './object-names.ts'
import { scrubPack } from './pack-reader.ts'
import { ReadFiles } from './read-files.ts'
import type { FileEntry } from './read-files.ts'
import type { RecoveryKey } from './recipient.ts'
import { readDigests, SnapshotReader } from './snapshot-reader.ts'
import type { FilePiece } from './snapshot-reader.ts'
import type { Vault } from './vault-descriptor.ts'

/** One thing that is not what was written. */
export interface Damage {
  /** Object of the vault, or file of the snapshot. */
  readonly what: string
  readonly message: string
}

export interface Verified {
  readonly snapshot: string
  readonly files: number
  readonly bytes: number
  readonly damage: readonly Damage[]
}

type Progress = (doneBytes: number, totalBytes: number) => void

/** Reads every chunk of a snapshot back: tag, id, length, and each file against PostgreSQL's own SHA-256. Goes on after damage. */
export async function verifySnapshot(
  vault: Vault,
  manifest: Manifest,
  key: RecoveryKey,
  onProgress: Progress = () => undefined,
): Promise<Verified> {
  const damage: Damage[] = []
  const counted = { files: 0, bytes: 0 }
  const result = () => ({ snapshot: manifest.snapshot, ...counted, damage })
  try {
    const reader = await SnapshotReader.open(vault, manifest, key)
    for (const number of reader.packs.keys()) {
      await reader.pack(number).catch((error: unknown) => noteDamage(damage, manifest.snapshot, error))
    }
    const { files } = await readDigests(reader)
    const readFiles = new ReadFiles(reader, async (file, pieces) => {
      await verifyFile(file, pieces, damage)
      counted.files += 1
      counted.bytes += file.bytes
      onProgress(counted.bytes, manifest.totals.bytes)
    })
    for await (const entry of reader.entries()) {
      if (entry.kind !== 'file') continue
      const listed = files.get(entry.path)
      if (listed === undefined && !entry.path.startsWith('pg_wal/')) {
        damage.push({ what: entry.path, message: 'it is not in backup_manifest' })
      } else if (
        listed !== undefined &&
        (listed.sha256 !== entry.sha256 || listed.sizeBytes !== entry.bytes)
      ) {
        damage.push({ what: entry.path, message: 'file table and backup_manifest disagree' })
      }
      files.delete(entry.path)
      await readFiles.read(entry)
    }
    await readFiles.finish()
    for (const path of files.keys()) damage.push({ what: path, message: 'it is in backup_manifest only' })
  } catch (error) {
    noteDamage(damage, manifest.snapshot, error)
  }
  return result()
}

async function verifyFile(
  { path, sha256 }: FileEntry,
  pieces: AsyncIterable<FilePiece>,
  damage: Damage[],
): Promise<void> {
  const hash = createHash('sha256')
  let [offset, isWhole] = [0, true]
  const note = (what: string, error: unknown): undefined => {
    isWhole = false
    return noteDamage(damage, what, error)
  }
  try {
    for await (const { bytes } of pieces) {
      const content = await bytes.catch((error: unknown) => note(`${path}, after byte ${offset}`, error))
      if (content === undefined) continue
      hash.update(content)
      offset += content.length
    }
  } catch (error) {
    note(path, error)
  }
  if (isWhole && hash.digest('hex') !== sha256) {
    damage.push({ what: path, message: 'its SHA-256 is another one' })
  }
}

/** Compares what is stored with its digests, without any key: what the host of a vault can do by itself. */
export async function scrubSnapshot(
  vault: Vault,
  manifest: Manifest,
  onProgress: Progress = () => undefined,
): Promise<Verified> {
  const damage: Damage[] = []
  let bytes = 0
  try {
    const packs = await readPackList(vault, manifest)
    const totalBytes = packs.reduce((total, { packBytes }) => total + packBytes, 0)
    for (const reference of packs) {
      const object = packName(manifest.epoch, reference.pack)
      try {
        for (const { ordinal, offset } of await scrubPack(vault, manifest.epoch, reference)) {
          damage.push({ what: object, message: `chunk ${ordinal} (byte ${offset}) is not what was written` })
        }
      } catch (error) {
        noteDamage(damage, object, error)
      }
      bytes += reference.packBytes
      onProgress(bytes, totalBytes)
    }
  } catch (error) {
    noteDamage(damage, manifest.snapshot, error)
  }
  return { snapshot: manifest.snapshot, files: 0, bytes, damage }
}

/** Damage is a finding; a store that fails or a key that does not fit ends the verification. */
function noteDamage(damage: Damage[], what: string, error: unknown): undefined {
  const findings = [
    'VAULT_DAMAGED',
    'VAULT_NOT_GENUINE',
    'OBJECT_ABSENT',
    'OBJECT_TRUNCATED',
    'PG_MANIFEST_MISMATCH',
  ]
  if (!(error instanceof RecoveryError) || !findings.includes(error.code)) throw error
  damage.push({ what, message: error.message })
}
