import { productVersion } from '../domain/product-version.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { RestoreTarget } from '../ports/restore-target.ts'
import type { Signer } from '../ports/signer.ts'
import { readCatalogue, sourceKey } from './catalogue.ts'
import type { CatalogueProblem } from './catalogue.ts'
import { epochIdKey } from './chunk-seal.ts'
import { ChunkWriter } from './chunk-writer.ts'
import { chooseEpoch } from './epoch-choice.ts'
import { readKnownChunks } from './known-chunks.ts'
import { digestOf, encodeManifest } from './manifest.ts'
import type { Manifest, ManifestMembers } from './manifest.ts'
import { manifestName, newStampedId, packListName } from './object-names.ts'
import type { StampedId } from './object-names.ts'
import { encodePackList } from './pack-list.ts'
import type { Recipient } from './recipient.ts'
import { SnapshotTarget } from './snapshot-target.ts'
import type { Vault, WritableVault } from './vault-descriptor.ts'
import { chunkBytes } from './vault-limits.ts'

export interface Writer {
  readonly signer: Signer
  /** 32 bytes that the ids of chunks are keyed with. Not needed to restore. */
  readonly chunkIdSecret: Uint8Array
  /** Who can restore. At least one; the writer itself can not read what it wrote. */
  readonly recipients: readonly Recipient[]
}

export interface VaultEffects {
  readonly clock: Clock
  readonly random: Random
}

export interface SnapshotOptions {
  readonly source: ManifestMembers['source']
  /** An epoch takes snapshots for so long; `0` opens a new one. */
  readonly epochMaxAgeMs: number
}

export interface Snapshot {
  readonly epoch: StampedId
  readonly snapshot: StampedId
  /** Digest of the manifest. */
  readonly manifest: string
  readonly members: ManifestMembers
}

/** What a copy says about itself once it is complete and was compared with its source's own manifest. */
export interface Copied {
  readonly bytes: number
  readonly postgres: ManifestMembers['postgres']
}

/** `copy` writes the files; the signed manifest is stored after all that it names, and until then there is no snapshot. */
export async function storeSnapshot(
  vault: WritableVault,
  writer: Writer,
  options: SnapshotOptions,
  effects: VaultEffects,
  copy: (target: RestoreTarget) => Promise<Copied>,
): Promise<Snapshot> {
  const { inEpoch, epoch } = await placeOf(vault, writer, options, effects)
  const snapshot = newStampedId(effects.clock, effects.random)
  const chunks = new ChunkWriter(vault.store, effects.random, {
    vault: vault.id,
    epoch,
    idKey: epochIdKey(writer.chunkIdSecret, vault.id, epoch),
    recipients: writer.recipients,
    known: await readKnownChunks(vault, inEpoch),
  })
  const startedAtMs = effects.clock.now()
  try {
    const target = new SnapshotTarget(`${vault.store.name} (${snapshot})`, chunks)
    const { bytes, postgres } = await copy(target)
    const streams = await target.storeStreams()
    const packs = await chunks.finish()
    const list = encodePackList(packs)
    await vault.store.putNew(packListName(epoch, snapshot), [list])
    // Read again: another backup of the source may have ended meanwhile, and the chain has one end.
    const newest = (await snapshotsOf(vault, options)).at(-1)
    const members: ManifestMembers = {
      ...{ vault: vault.id, epoch, snapshot, critical: [], ...after(newest) },
      ...{ source: options.source, kind: 'postgres-base-backup' as const, chunkBytes, productVersion },
      ...{ startedAtMs, finishedAtMs: effects.clock.now(), postgres, streams },
      packs: { count: packs.length, bytes: list.length, sha256: digestOf(list) },
      totals: { files: target.fileCount, bytes, newStoredBytes: chunks.newStoredBytes },
      lock: { mode: 'none', untilMs: null },
    }
    const manifest = encodeManifest(members, writer.signer)
    await vault.store.putNew(manifestName(epoch, snapshot), [manifest])
    return { epoch, snapshot, manifest: digestOf(manifest), members }
  } catch (error) {
    await chunks.abandon()
    throw error
  }
}

/** The epoch, and what of the source is in it already. */
async function placeOf(
  vault: Vault,
  { recipients, signer }: Writer,
  options: SnapshotOptions,
  effects: VaultEffects,
) {
  if (recipients.length === 0) throw noRecipient()
  const earlier = await snapshotsOf(vault, options)
  const maxAgeMs = options.epochMaxAgeMs
  const epoch = chooseEpoch(earlier, { maxAgeMs, signer: signer.principal }, effects)
  return { epoch, inEpoch: earlier.filter((one) => one.epoch === epoch) }
}

async function snapshotsOf(vault: Vault, { source }: SnapshotOptions): Promise<readonly Manifest[]> {
  const { snapshots, problems } = await readCatalogue(vault)
  // A manifest that is damaged is passed over; one that could not be read may be the newest, and two would follow the one before it.
  const unread = problems.find(({ code }) => code === 'OBJECT_STORE_FAILED')
  if (unread !== undefined) throw unreadManifest(unread)
  return snapshots.filter((one) => sourceKey(one) === sourceKey({ source }))
}

function after(newest: Manifest | undefined): Pick<ManifestMembers, 'sequence' | 'previous'> {
  if (newest === undefined) return { sequence: 1, previous: null }
  const { epoch, snapshot, digest, sequence } = newest
  return { sequence: sequence + 1, previous: { epoch, snapshot, sha256: digest } }
}

function unreadManifest({ object, message }: CatalogueProblem): RecoveryError {
  return new RecoveryError({
    code: 'OBJECT_STORE_FAILED',
    class: 'permanent',
    message: `${object} could not be read, so what is in the vault is not known: ${message}`,
    hint: 'look at the disk of the vault (`dmesg`), then `pointzero vault verify all`; until then back up into another vault',
  })
}

function noRecipient(): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_NO_RECIPIENT',
    class: 'refused',
    message: 'nobody could restore this: no recipient is named',
    hint: 'make a recovery key with `pointzero vault key` and name its public half',
  })
}
