import { createHash } from 'node:crypto'
import type { ExchangeState, RestingOrder } from './order-book.ts'

/**
 * SHA-256 in hex over this text, one line each, `\n` behind every line, symbols in order of their UTF-16 code units:
 *
 *     pointzero/exchange-state/1
 *     sequence <orders applied>
 *     symbol <symbol> <last price> <volume>
 *     buy <order id> <price> <remaining>          best first, for every buy that rests
 *     sell <order id> <price> <remaining>         best first, for every sell that rests
 *
 * Two programs that were written apart must reach the same hash (see checker/order-twin.ts).
 */
export function stateHash(state: ExchangeState): string {
  const hash = createHash('sha256')
  hash.update(`pointzero/exchange-state/1\nsequence ${state.sequence}\n`)
  for (const symbol of [...state.books.keys()].sort()) {
    const book = state.books.get(symbol)
    if (book === undefined) continue
    hash.update(`symbol ${symbol} ${book.lastPrice} ${book.volume}\n`)
    hash.update(linesOf('buy', book.buys))
    hash.update(linesOf('sell', book.sells))
  }
  return hash.digest('hex')
}

function linesOf(side: string, orders: readonly RestingOrder[]): string {
  return orders.map(({ id, price, remaining }) => `${side} ${id} ${price} ${remaining}\n`).join('')
}
