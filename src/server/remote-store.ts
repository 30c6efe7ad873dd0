import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { checkTransaction } from '../ports/control-store-limits.ts'
import type {
  ControlStore,
  StoreEntry,
  StoreTransaction,
  StoreTransactionResult,
} from '../ports/control-store.ts'
import type { Endpoint, Network } from '../ports/network.ts'
import { storeMethods } from './store-wire.ts'
import type { StoreBodies } from './store-wire.ts'

export interface StorePlace {
  readonly endpoint: Endpoint
  /** The principal of the control plane: a store that anybody else serves is not believed. */
  readonly subject: string
  readonly timeoutMs: number
}

/** The control store of a control plane elsewhere. */
export class RemoteStore implements ControlStore {
  readonly #network: Network
  readonly #place: StorePlace

  constructor(network: Network, place: StorePlace) {
    this.#network = network
    this.#place = place
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    const found = await this.#call('get', { key }, 0)
    return found === null ? undefined : (found as unknown as StoreEntry)
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    return (await this.#call('list', { prefix }, 0)) as unknown as readonly StoreEntry[]
  }

  async transact(transaction: StoreTransaction): Promise<StoreTransactionResult> {
    checkTransaction(transaction)
    return (await this.#call('transact', transaction, 0)) as unknown as StoreTransactionResult
  }

  async changes(prefix: string, afterRevision: number, timeoutMs: number): Promise<readonly StoreEntry[]> {
    const body = { prefix, afterRevision, timeoutMs: Math.ceil(timeoutMs) }
    return (await this.#call('changes', body, timeoutMs)) as unknown as readonly StoreEntry[]
  }

  async #call<M extends keyof StoreBodies>(method: M, body: StoreBodies[M], waitMs: number): Promise<Json> {
    const { endpoint, subject, timeoutMs } = this.#place
    const options = { timeoutMs: timeoutMs + waitMs, expectSubject: subject }
    try {
      return await this.#network.call(endpoint, storeMethods[method], body as unknown as Json, options)
    } catch (error) {
      throw storeError(error, method)
    }
  }
}

/** A read whose reply was lost changed nothing, so it counts as not performed. */
function storeError(error: unknown, method: keyof StoreBodies): unknown {
  if (!(error instanceof RecoveryError)) return error
  const lost = error.code === 'NETWORK_REPLY_LOST'
  if (!lost && error.code !== 'NETWORK_UNREACHABLE') return error
  const unknown = lost && method === 'transact'
  return new RecoveryError({
    code: unknown ? 'STORE_REPLY_LOST' : 'STORE_UNREACHABLE',
    class: unknown ? 'unknown-outcome' : 'transient',
    message: `control store: ${error.message}`,
    hint: error.hint,
    cause: error,
  })
}
