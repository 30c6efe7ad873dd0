import { createHash } from 'node:crypto'
import type { LedgerEntry, LedgerFill, SurvivingRows } from './surviving-rows.ts'

/**
 * The exchange once more, written apart from the engine on purpose and in another way: queues by price, changed in place. It never
 * crashed. An engine that was rebuilt after a disaster must have reached its state.
 */
export interface Twin {
  readonly hash: string
  /** Sequence numbers whose fills in the ledger are not the twin's. */
  readonly wrongFills: readonly number[]
  /** Numbers that are missing between 1 and the last one. */
  readonly missingSequences: readonly number[]
}

interface Queue {
  readonly price: number
  readonly orders: { readonly id: string; left: number }[]
}

interface Market {
  readonly buy: Queue[]
  readonly sell: Queue[]
  lastPrice: number
  volume: number
}

/** Replays the rows up to `throughSequence`. */
export function replayTwin(ledger: readonly LedgerEntry[], throughSequence: number): Twin {
  const entries = ledger.filter(({ sequence }) => sequence <= throughSequence)
  const ordered = entries.toSorted((a, b) => a.sequence - b.sequence)
  const markets = new Map<string, Market>()
  const wrongFills: number[] = []
  for (const entry of ordered) {
    const market = markets.get(entry.symbol) ?? { buy: [], sell: [], lastPrice: 0, volume: 0 }
    markets.set(entry.symbol, market)
    if (!isSame(trade(market, entry), entry.fills)) wrongFills.push(entry.sequence)
  }
  const numbers = new Set(ordered.map(({ sequence }) => sequence))
  const last = ordered.at(-1)?.sequence ?? 0
  const missingSequences = Array.from({ length: last }, (_, index) => index + 1).filter(
    (n) => !numbers.has(n),
  )
  return { hash: hashOf(markets, ordered.length), wrongFills, missingSequences }
}

function trade(market: Market, { side, price, quantity, id }: LedgerEntry): readonly LedgerFill[] {
  const isBuy = side === 'buy'
  const against = isBuy ? market.sell : market.buy
  const fills: LedgerFill[] = []
  let left = quantity
  for (let best = against[0]; left > 0 && best !== undefined; best = against[0]) {
    if (isBuy ? best.price > price : best.price < price) break
    const first = best.orders[0]
    if (first === undefined) {
      against.shift()
      continue
    }
    const lots = left < first.left ? left : first.left
    fills.push({ restingId: first.id, price: best.price, quantity: lots })
    left -= lots
    first.left -= lots
    market.lastPrice = best.price
    market.volume += lots
    if (first.left === 0) best.orders.shift()
    if (best.orders.length === 0) against.shift()
  }
  if (left > 0) queueFor(isBuy ? market.buy : market.sell, price, isBuy).orders.push({ id, left })
  return fills
}

function queueFor(queues: Queue[], price: number, highestFirst: boolean): Queue {
  const found = queues.find((queue) => queue.price === price)
  if (found !== undefined) return found
  const added: Queue = { price, orders: [] }
  queues.push(added)
  queues.sort((a, b) => (highestFirst ? b.price - a.price : a.price - b.price))
  return added
}

function isSame(mine: readonly LedgerFill[], written: readonly LedgerFill[]): boolean {
  if (mine.length !== written.length) return false
  return mine.every(({ restingId, price, quantity }, index) => {
    const other = written[index]
    return other?.restingId === restingId && other.price === price && other.quantity === quantity
  })
}

/** The text is defined beside the engine's state hash; both must agree to the byte. */
function hashOf(markets: ReadonlyMap<string, Market>, sequence: number): string {
  const lines = ['pointzero/exchange-state/1', `sequence ${sequence}`]
  for (const [symbol, { buy, sell, lastPrice, volume }] of [...markets].sort(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    lines.push(`symbol ${symbol} ${lastPrice} ${volume}`)
    for (const [side, queues] of [['buy', buy] as const, ['sell', sell] as const]) {
      for (const { price, orders } of queues)
        for (const { id, left } of orders) lines.push(`${side} ${id} ${price} ${left}`)
    }
  }
  return createHash('sha256')
    .update(`${lines.join('\n')}\n`)
    .digest('hex')
}

/** Ids whose events in the outbox are not exactly: accepted, then one for every fill. */
export function wrongOutbox({ ledger, outbox }: SurvivingRows): readonly string[] {
  const eventsOf = Map.groupBy(outbox, ({ id }) => id)
  const known = new Set(ledger.map(({ id }) => id))
  const wrong = ledger.filter(({ id, fills, sequence }) => {
    const events = (eventsOf.get(id) ?? []).toSorted((a, b) => a.event - b.event)
    const [accepted, ...filled] = events
    if (accepted?.kind !== 'accepted' || Number(accepted.payload['sequence']) !== sequence) return true
    return events.some(({ event }, index) => event !== index) || !isSame(filled.map(toFill), fills)
  })
  return [...wrong.map(({ id }) => id), ...[...eventsOf.keys()].filter((id) => !known.has(id))]
}

function toFill({ payload }: { readonly payload: Readonly<Record<string, unknown>> }): LedgerFill {
  return {
    restingId: String(payload['restingId']),
    price: Number(payload['price']),
    quantity: Number(payload['quantity']),
  }
}
