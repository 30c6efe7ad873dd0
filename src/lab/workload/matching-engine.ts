import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineStatus, OrderReply } from './engine-wire.ts'
import { Superseded } from './exchange-ledger.ts'
import type { Confirmation, ExchangeLedger, LedgerRow } from './exchange-ledger.ts'
import { applyOrder, emptyExchange } from './order-book.ts'
import type { ExchangeState } from './order-book.ts'
import type { Order } from './order.ts'
import { stateHash } from './state-hash.ts'

export interface MatchingEngineOptions {
  /** `heldEpoch` 0 at the start of this engine, its own epoch when it comes back after it lost the ledger. */
  readonly open: (heldEpoch: number) => Promise<ExchangeLedger>
  /** Orders in one transaction. */
  readonly batchMax: number
  readonly report: (event: string, fields: Readonly<Record<string, string | number>>) => void
}

export interface MatchingEngine {
  /** Resolves when the outcome is known, or is known to be unknown. */
  readonly submit: (order: Order) => Promise<OrderReply>
  readonly status: () => EngineStatus
  /** Opens the ledger, rebuilds and matches until `signal` is aborted (resolves) or another engine took over (Superseded). */
  readonly run: (signal: AbortSignal) => Promise<void>
}

interface Waiting {
  readonly order: Order
  readonly reply: (reply: OrderReply) => void
}

interface Executed {
  readonly sequence: number
  readonly fills: number
}

/**
 * State changes only by orders whose commit was confirmed. After anything else (an error, a time-out, a commit without a standby) the
 * whole state is thrown away and rebuilt from the rows of the ledger: there is one path to it, the same as after a crash.
 */
export function matchingEngine({ open, batchMax, report }: MatchingEngineOptions): MatchingEngine {
  let memory = emptyMemory()
  let heldEpoch = 0
  let isReady = false
  let queue: Waiting[] = []
  let wake = (): void => {}

  async function serve(signal: AbortSignal): Promise<void> {
    const ledger = await open(heldEpoch)
    try {
      heldEpoch = ledger.epoch
      memory = emptyMemory()
      for (const row of ledger.rows) take(memory, row)
      isReady = true
      const { sequence } = memory.state
      report('rebuilt', { epoch: heldEpoch, sequence, stateHash: stateHash(memory.state) })
      while (!signal.aborted) {
        if (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve))
        else await matchBatch(ledger, memory, queue.splice(0, batchMax))
      }
    } finally {
      isReady = false
      ledger.close()
      for (const { order, reply } of queue) reply(rebuilding(order))
      queue = []
    }
  }

  return {
    submit: async (order) => {
      if (!isReady) return rebuilding(order)
      const { promise, resolve } = Promise.withResolvers<OrderReply>()
      queue.push({ order, reply: resolve })
      wake()
      return await promise
    },
    status: () => ({
      type: 'status',
      ready: isReady,
      epoch: heldEpoch,
      sequence: memory.state.sequence,
      stateHash: stateHash(memory.state),
    }),
    run: async (signal) => {
      signal.addEventListener('abort', () => wake())
      while (!signal.aborted) {
        try {
          await serve(signal)
        } catch (error) {
          if (error instanceof Superseded) throw error
          report('ledger-lost', { reason: reasonOf(error) })
          await sleep(100)
        }
      }
    },
  }
}

/** What was built from confirmed rows, and nothing else. */
interface Memory {
  state: ExchangeState
  readonly executed: Map<string, Executed>
}

function emptyMemory(): Memory {
  return { state: emptyExchange, executed: new Map() }
}

function take(memory: Memory, { order, sequence, fills }: LedgerRow): void {
  memory.state = applyOrder(memory.state, order).state
  memory.executed.set(order.id, { sequence, fills: fills.length })
}

async function matchBatch(ledger: ExchangeLedger, memory: Memory, batch: readonly Waiting[]): Promise<void> {
  const { state, executed } = memory
  const rows = match(state, executed, batch)
  try {
    const confirmed = rows.length === 0 ? undefined : await ledger.append(rows)
    for (const row of rows) take(memory, row)
    for (const { order, reply } of batch) reply(acked(order, executed.get(order.id), confirmed))
  } catch (error) {
    const outcome = error instanceof Superseded ? 'refused' : 'unknown'
    for (const { order, reply } of batch) reply(not(order, outcome, error))
    throw error
  }
}

/** Rows for the orders that were not executed before, in the order of their arrival; each id once. */
function match(
  from: ExchangeState,
  executed: ReadonlyMap<string, Executed>,
  batch: readonly Waiting[],
): readonly LedgerRow[] {
  const seen = new Set<string>()
  let state = from
  return batch.flatMap(({ order }) => {
    if (executed.has(order.id) || seen.has(order.id)) return []
    seen.add(order.id)
    const applied = applyOrder(state, order)
    state = applied.state
    return [{ sequence: state.sequence, order, fills: applied.fills }]
  })
}

function acked(
  { id }: Order,
  executed: Executed | undefined,
  confirmed: Confirmation | undefined,
): OrderReply {
  return { type: 'outcome', id, outcome: 'acked', ...executed, ...confirmed }
}

function not({ id }: Order, outcome: 'refused' | 'unknown', error: unknown): OrderReply {
  return { type: 'outcome', id, outcome, reason: reasonOf(error) }
}

function rebuilding(order: Order): OrderReply {
  return not(order, 'refused', new Error('rebuilding'))
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
