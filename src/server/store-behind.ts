import { canonicalJson } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ScopeEpoch } from '../engine/epoch.ts'
import type { StoreKeys } from '../engine/store-keys.ts'
import type { Estate } from '../estate/estate.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { ViewBoard } from '../watch/view-board.ts'

/**
 * The highest epoch of a scope that any agent has on its disk, 0 when none reports one. An epoch is durable in the store before any agent hears
 * of it, so a higher one than the store's says that the store is an old copy, or a new one of an estate that was led before.
 */
export function reportedEpoch(estate: Estate, board: ViewBoard, scope: string): number {
  const epochs = estate.hosts.flatMap(({ id }) => board.reading(id)?.view.epochs ?? [])
  return Math.max(0, ...epochs.filter((one) => one.scope === scope).map(({ epoch }) => epoch))
}

/** Why nothing may be decided from this store; absent when it is as new as what agents know. */
export function behindReason(held: number, reported: number): string | undefined {
  if (reported <= held) return undefined
  return `the control store is older than the estate: it holds epoch ${held}, an agent has seen ${reported}`
}

/**
 * A store that knows the cluster and is behind is refused: who leads now, and which run is open, stands in the newer one. A store that knows
 * nothing yet begins above everything that agents have seen, so that a lost control plane can adopt what still runs. Idempotent.
 */
export async function requireNotBehind(
  store: ControlStore,
  keys: StoreKeys,
  scope: string,
  known: { readonly held: ScopeEpoch; readonly reported: number; readonly isAdopted: boolean },
): Promise<void> {
  const { held, reported, isAdopted } = known
  const reason = behindReason(held.epoch, reported)
  if (reason === undefined) return
  if (isAdopted || held.run !== '') throw behind(reason)
  await store.transact({
    compare: [{ key: keys.epoch(scope), revision: held.revision }],
    put: [{ key: keys.epoch(scope), value: canonicalJson({ epoch: reported, executor: '', run: '' }) }],
  })
}

function behind(reason: string): RecoveryError {
  return new RecoveryError({
    code: 'CONTROL_STORE_BEHIND',
    class: 'refused',
    message: `${reason}; nothing is planned from it`,
    hint: 'stop `pointzero serve` and bring the newest copy of its store back; when there is none, move the file away and adopt again: `pointzero run adoption`',
  })
}
