import { RecoveryError } from '../domain/recovery-error.ts'
import type { RunRecord } from '../engine/run-event.ts'
import type { RunHead } from '../engine/run-record.ts'
import { runSummaryText } from '../engine/run-summary.ts'
import type { StoreKeys } from '../engine/store-keys.ts'
import type { ControlStore, StoreTransaction } from '../ports/control-store.ts'

/**
 * What an executor or a person may write through the network: journals of open runs and their summaries, epochs, leader records, maintenance, and
 * signed approvals. Who may approve, which approvals were used, the estate, and the opening of a run are the control plane's own to write.
 */
export function guardedStore(store: ControlStore, keys: StoreKeys): ControlStore {
  return {
    get: async (key) => store.get(key),
    list: async (prefix) => store.list(prefix),
    changes: async (prefix, afterRevision, timeoutMs) => store.changes(prefix, afterRevision, timeoutMs),
    transact: async (transaction) => {
      requireAllowed(transaction, keys)
      await requireNextEpochs(store, transaction, keys)
      await requireTrueSummaries(store, transaction, keys)
      return store.transact(transaction)
    },
  }
}

const firstRecord = /^runs\/[^/]+\/records\/000000$/

function requireAllowed({ put, compare }: StoreTransaction, keys: StoreKeys): void {
  for (const { key } of put) {
    const name = key.slice(keys.root.length)
    const compared = compare.find((one) => one.key === key)
    if (!/^(runs|run-index|epochs|leaders|open|approvals|standing|plans|maintenance)\//.test(name))
      throw refusedWrite(name)
    // A run is opened by the control plane alone; a journal only grows.
    if (/^runs\/[^/]+\/records\//.test(name) && (compared?.revision !== 0 || firstRecord.test(name)))
      throw refusedWrite(name)
    // What was shown under a hash stays what was shown, and nobody's yes is written over.
    if (/^(plans|approvals)\//.test(name) && compared?.revision !== 0) throw refusedWrite(name)
    // Leadership, epochs and maintenance are never written unconditionally, whoever asks.
    if (/^(epochs|leaders|maintenance)\//.test(name) && compared === undefined) throw refusedWrite(name)
  }
}

/** An epoch grows by one at a time: a leap would use up the numbers, a step back would let an old executor in. */
async function requireNextEpochs(
  store: ControlStore,
  { put }: StoreTransaction,
  keys: StoreKeys,
): Promise<void> {
  const prefix = `${keys.root}epochs/`
  for (const { key, value } of put.filter((one) => one.key.startsWith(prefix))) {
    const before = await store.get(key)
    const known = before === undefined ? 0 : (JSON.parse(before.value) as { readonly epoch: number }).epoch
    const next = (JSON.parse(value) as { readonly epoch?: unknown }).epoch
    if (next !== known + 1) throw refusedWrite(key.slice(keys.root.length))
  }
}

/** The index repeats what the first record and the head of the same transaction say, and nothing else. */
async function requireTrueSummaries(
  store: ControlStore,
  { put }: StoreTransaction,
  keys: StoreKeys,
): Promise<void> {
  for (const { key, value } of put.filter((one) => one.key.startsWith(keys.runIndexes))) {
    const run = key.slice(keys.runIndexes.length)
    const head = put.find((one) => one.key === `${keys.runs}${run}/head`)
    const first = head === undefined ? undefined : await store.get(`${keys.runs}${run}/records/000000`)
    const isTrue =
      head !== undefined &&
      first !== undefined &&
      value ===
        runSummaryText(JSON.parse(first.value) as RunRecord, (JSON.parse(head.value) as RunHead).status)
    if (!isTrue) throw refusedWrite(key.slice(keys.root.length))
  }
}

function refusedWrite(name: string): RecoveryError {
  return new RecoveryError({
    code: 'STORE_WRITE_REFUSED',
    class: 'refused',
    message: `${name.slice(0, 120)} is not written through the network like this`,
    hint: "open runs with `pointzero run`; principals are those of the control plane's own configuration",
  })
}
