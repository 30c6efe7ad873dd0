/** An order as clients send it. `id` is the idempotency key: sent again after an unknown outcome, it is executed once. */
export interface Order {
  readonly id: string
  readonly account: string
  readonly symbol: string
  readonly side: 'buy' | 'sell'
  /** In ticks of the symbol, 1 or more. */
  readonly price: number
  /** In lots, 1 or more. */
  readonly quantity: number
}

/** One trade: the order that arrived met the one that rested. The price is that of the resting order. */
export interface Fill {
  readonly restingId: string
  readonly price: number
  readonly quantity: number
}

const nameForm = /^[A-Za-z0-9._:-]{1,64}$/

/** Undefined when it is not an order; nothing else of it may be used then. */
export function parseOrder(value: unknown): Order | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, account, symbol, side, price, quantity } = value as Record<string, unknown>
  if (!isName(id) || !isName(account) || !isName(symbol)) return undefined
  if (side !== 'buy' && side !== 'sell') return undefined
  if (!isAmount(price) || !isAmount(quantity)) return undefined
  return { id, account, symbol, side, price, quantity }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && nameForm.test(value)
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= 1_000_000_000
}
