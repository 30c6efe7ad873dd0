/** One stored value. `revision` is the store's revision at its last change (etcd's mod_revision); 0 means absent. */
export interface StoreEntry {
  readonly key: string
  readonly value: string
  readonly revision: number
}

export interface StoreCompare {
  readonly key: string
  /** Succeeds only when the key's revision is exactly this; 0 = the key must not exist. */
  readonly revision: number
}

export interface StoreTransaction {
  readonly compare: readonly StoreCompare[]
  readonly put: readonly { readonly key: string; readonly value: string }[]
}

export interface StoreTransactionResult {
  readonly succeeded: boolean
  /** The store's revision after the transaction (unchanged when it did not succeed). All keys put carry it. */
  readonly revision: number
}

/**
 * Durable shared state: run journals, epochs, leader records, approvals, published sync sets. Shaped for etcd: values up to
 * 1 MiB, at most 128 operations a transaction, everything linearizable. A transaction that resolved `succeeded` survives a
 * power cut. Nothing is ever deleted through this port.
 *
 * Errors: STORE_UNREACHABLE (transient: certainly not performed), STORE_REPLY_LOST (unknown-outcome: read back before retrying).
 */
export interface ControlStore {
  get(key: string): Promise<StoreEntry | undefined>
  /** All entries whose key starts with `prefix`, ordered by key. */
  list(prefix: string): Promise<readonly StoreEntry[]>
  transact(transaction: StoreTransaction): Promise<StoreTransactionResult>
  /** Entries under `prefix` changed after `revision`; waits up to `timeoutMs` for the first, then returns what there is. */
  changes(prefix: string, afterRevision: number, timeoutMs: number): Promise<readonly StoreEntry[]>
}
