import { checkTransaction } from '../ports/control-store-limits.ts'
import type {
  ControlStore,
  StoreEntry,
  StoreTransaction,
  StoreTransactionResult,
} from '../ports/control-store.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'

/** What the store's disk holds: survives the process that serves it. */
export class DurableStore {
  readonly entries = new Map<string, StoreEntry>()
  revision = 0
  /** Told of every put, before it can be read. */
  onPut: (entry: StoreEntry, before: StoreEntry | undefined) => void = () => {}
  readonly #listeners = new Set<() => void>()

  apply(transaction: StoreTransaction): StoreTransactionResult {
    checkTransaction(transaction)
    const { compare, put } = transaction
    const holds = compare.every(({ key, revision }) => (this.entries.get(key)?.revision ?? 0) === revision)
    if (!holds) return { succeeded: false, revision: this.revision }
    this.revision += 1
    for (const { key, value } of put) {
      const entry = { key, value, revision: this.revision }
      this.onPut(entry, this.entries.get(key))
      this.entries.set(key, entry)
    }
    for (const listener of this.#listeners) listener()
    return { succeeded: true, revision: this.revision }
  }

  under(prefix: string, afterRevision = -1): readonly StoreEntry[] {
    const found: StoreEntry[] = []
    for (const entry of this.entries.values()) {
      if (entry.revision > afterRevision && entry.key.startsWith(prefix)) found.push(entry)
    }
    return found.sort((left, right) => (left.key < right.key ? -1 : 1))
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** The port on that disk, in the process that has it open. Every operation takes time, and the process can die before or after its effect. */
export class SimControlStore implements ControlStore {
  readonly #loop: EventLoop
  readonly #process: SimProcess
  readonly #random: SimRandom
  readonly #durable: DurableStore

  constructor(loop: EventLoop, process: SimProcess, random: SimRandom, durable: DurableStore) {
    this.#loop = loop
    this.#process = process
    this.#random = random
    this.#durable = durable
  }

  /** Reads of an embedded store end at once: nothing can come between. */
  async get(key: string): Promise<StoreEntry | undefined> {
    return this.#durable.entries.get(key)
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    return this.#durable.under(prefix)
  }

  transact(transaction: StoreTransaction): Promise<StoreTransactionResult> {
    return this.#soon(() => {
      this.#loop.trace('transact')
      return this.#durable.apply(transaction)
    })
  }

  changes(prefix: string, afterRevision: number, timeoutMs: number): Promise<readonly StoreEntry[]> {
    const found = this.#durable.under(prefix, afterRevision)
    if (found.length > 0) return Promise.resolve(found)
    const { promise, resolve } = Promise.withResolvers<readonly StoreEntry[]>()
    const finish = (): void => {
      forget()
      this.#loop.cancel(timer)
      this.#process.resume(() => resolve(this.#durable.under(prefix, afterRevision)))
    }
    const forget = this.#durable.onChange(() => {
      if (!this.#process.isAlive) forget()
      else if (this.#durable.under(prefix, afterRevision).length > 0) finish()
    })
    const timer = this.#loop.after(timeoutMs * 1000, finish)
    return promise
  }

  #soon<T>(act: () => T): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>()
    this.#loop.after(this.#random.between(40, 300), () => {
      this.#process.deliver(() => {
        const value = act()
        this.#loop.after(this.#random.between(40, 600), () => this.#process.resume(() => resolve(value)))
      })
    })
    return promise
  }
}
