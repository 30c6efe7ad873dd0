import { canonicalJson, type Json } from '../domain/canonical-json.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { requireEpoch } from '../engine/epoch.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { ControlStore } from '../ports/control-store.ts'

export interface LeaderEntry {
  readonly record: LeaderRecord | undefined
  readonly revision: number
}

export async function readLeader(
  store: ControlStore,
  estate: string,
  component: string,
): Promise<LeaderEntry> {
  const entry = await store.get(storeKeys(estate).leader(component))
  if (entry === undefined) return { record: undefined, revision: 0 }
  return { record: JSON.parse(entry.value) as LeaderRecord, revision: entry.revision }
}

export interface LeaderWrite {
  readonly estate: string
  readonly component: string
  readonly scope: string
  readonly epoch: number
  readonly expected: LeaderEntry
  readonly record: LeaderRecord
}

/**
 * Writes the leader record only where it is still the one that was read *and* the scope's epoch is still ours: leadership is never
 * written unconditionally and never from a cache.
 */
export async function writeLeader(store: ControlStore, write: LeaderWrite): Promise<void> {
  const keys = storeKeys(write.estate)
  const held = await requireEpoch(store, keys, write.scope, write.epoch)
  const key = keys.leader(write.component)
  const result = await store.transact({
    compare: [{ key, revision: write.expected.revision }, held],
    put: [{ key, value: canonicalJson(write.record as unknown as Json) }],
  })
  if (!result.succeeded) throw changed()
}

function changed(): RecoveryError {
  return new RecoveryError({
    code: 'LEADER_CHANGED',
    class: 'transient',
    message: 'the leader record or the epoch changed while it was being written',
    hint: 'it is read again before the next attempt',
  })
}
