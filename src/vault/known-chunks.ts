import type { Manifest } from './manifest.ts'
import { digestOf } from './manifest.ts'
import { packListName } from './object-names.ts'
import { decodePackList } from './pack-list.ts'
import type { PackReference } from './pack-list.ts'
import { readPackIndex } from './pack-reader.ts'
import { damaged } from './vault-damage.ts'
import type { Vault } from './vault-descriptor.ts'
import { packListMaxBytes } from './vault-limits.ts'

export type KnownChunks = Map<string, { readonly reference: PackReference; readonly ordinal: number }>

/** The packs that a snapshot refers to, as its signed manifest names them. */
export async function readPackList(vault: Vault, manifest: Manifest): Promise<readonly PackReference[]> {
  const object = packListName(manifest.epoch, manifest.snapshot)
  const { bytes: sizeBytes, sha256, count } = manifest.packs
  if (sizeBytes > packListMaxBytes) throw damaged(object, 'it claims too much')
  const info = await vault.store.head(object)
  if (info === undefined) throw damaged(object, 'it is missing')
  if (info.sizeBytes !== sizeBytes) {
    throw damaged(object, `it has ${info.sizeBytes} bytes instead of ${sizeBytes}`)
  }
  const bytes = await vault.store.get(object)
  if (digestOf(bytes) !== sha256) throw damaged(object, 'it is not what the manifest names')
  const packs = decodePackList(object, bytes)
  if (packs.length !== count) throw damaged(object, `it names ${packs.length} packs instead of ${count}`)
  return packs
}

/**
 * The chunks that the snapshots of an epoch consist of. Each pack is looked at first (there, as long as it was, index as sealed),
 * and one that is not is not relied on: a new snapshot never inherits a hole.
 */
export async function readKnownChunks(vault: Vault, snapshots: readonly Manifest[]): Promise<KnownChunks> {
  const known: KnownChunks = new Map()
  const seen = new Set<string>()
  for (const manifest of snapshots) {
    const packs = await readPackList(vault, manifest).catch(unlessDamaged)
    for (const reference of packs ?? []) {
      if (seen.has(reference.pack)) continue
      seen.add(reference.pack)
      const index = await readPackIndex(vault, manifest.epoch, reference).catch(unlessDamaged)
      index?.entries.forEach(({ id }, ordinal) => {
        known.set(Buffer.from(id).toString('latin1'), { reference, ordinal })
      })
    }
  }
  return known
}

/** Damage is for `vault verify` to report; here it only means that nothing is shared. */
function unlessDamaged(error: unknown): undefined {
  const { code } = error as { readonly code?: string }
  if (code === 'VAULT_DAMAGED' || code === 'OBJECT_ABSENT' || code === 'OBJECT_TRUNCATED') return undefined
  throw error
}
