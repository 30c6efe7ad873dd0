import { RecoveryError } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { ObjectReader } from '../ports/recovery-source.ts'
import type { Signer } from '../ports/signer.ts'
import { descriptorName } from './object-names.ts'
import type { VaultId } from './object-names.ts'
import { decodeSigned, encodeSigned } from './signed-document.ts'
import type { Trust } from './signed-document.ts'
import { notGenuine } from './vault-damage.ts'
import { chunkBytes } from './vault-limits.ts'

/** A vault as its reader knows it: the id and the writers are the reader's own, never taken from what is read. */
export interface Vault {
  readonly id: VaultId
  readonly store: ObjectReader
  readonly trust: Trust
}

/** The same, on the host that writes it. */
export interface WritableVault extends Vault {
  readonly store: ObjectStore
}

/** VAULT_STORE_NOT_EMPTY (refused) for a store that holds anything. */
export async function requireEmptyStore(store: ObjectStore): Promise<void> {
  const [object] = await store.list('')
  if (object !== undefined) throw notEmpty(store.name, object.name)
}

/** Makes an empty store a vault. A store that holds anything is refused. */
export async function createVault(
  store: ObjectStore,
  id: VaultId,
  { clock, signer }: { readonly clock: Clock; readonly signer: Signer },
): Promise<void> {
  await requireEmptyStore(store)
  const members = { vault: id, createdAtMs: clock.now(), chunkBytes }
  await store.putNew(descriptorName, [encodeSigned('vault', members, signer)])
}

/** The store holds the vault that the reader means, in a format that this release reads. */
export async function requireVault({ id, store, trust }: Vault): Promise<void> {
  const bytes = await store.get(descriptorName).catch((error: unknown) => {
    throw error instanceof RecoveryError && error.code === 'OBJECT_ABSENT'
      ? noVault(store.name, error)
      : error
  })
  const object = `${store.name}/${descriptorName}`
  const { vault } = decodeSigned('vault', bytes, object, trust)
  if (vault !== id) throw notGenuine(object, `this is vault ${JSON.stringify(vault)}, ${id} was meant`)
}

function notEmpty(name: string, found: string): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_STORE_NOT_EMPTY',
    class: 'refused',
    message: `${name} holds ${found} already`,
    hint: 'name an empty directory for a new vault; an existing one is used with `pointzero vault list`',
  })
}

function noVault(name: string, cause: unknown): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_ABSENT',
    class: 'permanent',
    message: `${name} is no vault: it has no ${descriptorName}`,
    hint: 'check that the right directory is mounted; make a new vault with `pointzero vault init`',
    cause,
  })
}
