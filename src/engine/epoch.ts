import { RecoveryError } from '../domain/recovery-error.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { StoreKeys } from './store-keys.ts'

/** Who may have effects in a scope. Value of `epochs/<scope>`; epoch 0 and revision 0 before the first run. */
export interface ScopeEpoch {
  readonly epoch: number
  readonly executor: string
  readonly run: string
  readonly revision: number
}

export async function readEpoch(store: ControlStore, keys: StoreKeys, scope: string): Promise<ScopeEpoch> {
  const entry = await store.get(keys.epoch(scope))
  if (entry === undefined) return { epoch: 0, executor: '', run: '', revision: 0 }
  const value = JSON.parse(entry.value) as Partial<ScopeEpoch>
  if (
    !Number.isSafeInteger(value.epoch) ||
    typeof value.executor !== 'string' ||
    typeof value.run !== 'string'
  ) {
    throw new RecoveryError({
      code: 'EPOCH_UNREADABLE',
      class: 'refused',
      message: `the epoch of ${scope} in the control store is not one: ${entry.value.slice(0, 200)}`,
      hint: 'restore the control store from its copy; never lower an epoch by hand',
    })
  }
  return { epoch: value.epoch as number, executor: value.executor, run: value.run, revision: entry.revision }
}

/** Still ours, and what a write has to compare so that it is ours when it is written. EPOCH_SUPERSEDED (refused) otherwise. */
export async function requireEpoch(
  store: ControlStore,
  keys: StoreKeys,
  scope: string,
  ours: number,
): Promise<{ readonly key: string; readonly revision: number }> {
  const { epoch, revision } = await readEpoch(store, keys, scope)
  if (revision > 0 && epoch === ours) return { key: keys.epoch(scope), revision }
  throw new RecoveryError({
    code: 'EPOCH_SUPERSEDED',
    class: 'refused',
    message: `this executor acts under epoch ${ours}, the scope is at ${epoch}`,
    hint: 'another executor took over: follow it with `pointzero runs`',
  })
}
