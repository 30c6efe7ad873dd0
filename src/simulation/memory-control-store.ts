import type { Clock } from '../ports/clock.ts'
import { checkTransaction } from '../ports/control-store-limits.ts'
import type {
  ControlStore,
  StoreEntry,
  StoreTransaction,
  StoreTransactionResult,
} from '../ports/control-store.ts'

/** The control store in memory: what it holds survives the crash of everybody else in the simulation. */
export class MemoryControlStore implements ControlStore {
  readonly #clock: Clock
  readonly #entries = new Map<string, StoreEntry>()
  #revision = 0
  #changed = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    return this.#entries.get(key)
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    return [...this.#entries.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  async transact(transaction: StoreTransaction): Promise<StoreTransactionResult> {
    checkTransaction(transaction)
    const holds = transaction.compare.every(
      ({ key, revision }) => (this.#entries.get(key)?.revision ?? 0) === revision,
    )
    if (!holds) return { succeeded: false, revision: this.#revision }
    if (transaction.put.length > 0) this.#revision += 1
    const revision = this.#revision
    for (const { key, value } of transaction.put) this.#entries.set(key, { key, value, revision })
    const before = this.#changed
    this.#changed = new AbortController()
    before.abort()
    return { succeeded: true, revision }
  }

  async changes(prefix: string, afterRevision: number, timeoutMs: number): Promise<readonly StoreEntry[]> {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs
    for (;;) {
      const { signal } = this.#changed
      const found = (await this.list(prefix)).filter(({ revision }) => revision > afterRevision)
      const leftMs = deadlineMs - this.#clock.monotonicMs()
      if (found.length > 0 || leftMs <= 0) return found
      await this.#clock.sleep(leftMs, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason
      })
    }
  }
}
