import type { Fill, Order } from './order.ts'

/** What is left of an order that waits in the book. */
export interface RestingOrder {
  readonly id: string
  readonly price: number
  readonly remaining: number
}

export interface OrderBook {
  /** Best price first, and at one price the oldest first. */
  readonly buys: readonly RestingOrder[]
  readonly sells: readonly RestingOrder[]
  /** Price of the last trade, 0 before the first. */
  readonly lastPrice: number
  /** Lots traded so far. */
  readonly volume: number
}

/** The whole state of the exchange: a pure function of the orders in their sequence. */
export interface ExchangeState {
  /** Orders applied so far. */
  readonly sequence: number
  readonly books: ReadonlyMap<string, OrderBook>
}

export const emptyExchange: ExchangeState = { sequence: 0, books: new Map() }

const emptyBook: OrderBook = { buys: [], sells: [], lastPrice: 0, volume: 0 }

export interface Applied {
  readonly state: ExchangeState
  readonly fills: readonly Fill[]
}

/** Price-time priority: the best price first, at one price the order that came first. What is left rests. */
export function applyOrder(state: ExchangeState, order: Order): Applied {
  const book = state.books.get(order.symbol) ?? emptyBook
  const opposite = order.side === 'buy' ? book.sells : book.buys
  const { fills, left, remaining } = match(order, opposite)
  const own = remaining === 0 ? ownSide(book, order) : rest(ownSide(book, order), order, remaining)
  const after: OrderBook = {
    buys: order.side === 'buy' ? own : left,
    sells: order.side === 'buy' ? left : own,
    lastPrice: fills.at(-1)?.price ?? book.lastPrice,
    volume: book.volume + fills.reduce((sum, { quantity }) => sum + quantity, 0),
  }
  const books = new Map(state.books).set(order.symbol, after)
  return { state: { sequence: state.sequence + 1, books }, fills }
}

function ownSide(book: OrderBook, { side }: Order): readonly RestingOrder[] {
  return side === 'buy' ? book.buys : book.sells
}

interface Matched {
  readonly fills: readonly Fill[]
  /** The other side of the book afterwards. */
  readonly left: readonly RestingOrder[]
  readonly remaining: number
}

function match(order: Order, opposite: readonly RestingOrder[]): Matched {
  const fills: Fill[] = []
  let remaining = order.quantity
  let used = 0
  for (const resting of opposite) {
    if (remaining === 0 || !crosses(order, resting.price)) break
    const quantity = Math.min(remaining, resting.remaining)
    fills.push({ restingId: resting.id, price: resting.price, quantity })
    remaining -= quantity
    if (quantity < resting.remaining) {
      const partly = { ...resting, remaining: resting.remaining - quantity }
      return { fills, left: [partly, ...opposite.slice(used + 1)], remaining }
    }
    used++
  }
  return { fills, left: used === 0 ? opposite : opposite.slice(used), remaining }
}

function crosses({ side, price }: Order, restingPrice: number): boolean {
  return side === 'buy' ? restingPrice <= price : restingPrice >= price
}

/** Behind every order of the same or a better price. */
function rest(own: readonly RestingOrder[], order: Order, remaining: number): readonly RestingOrder[] {
  const isBehind = ({ price }: RestingOrder): boolean => {
    return order.side === 'buy' ? price < order.price : price > order.price
  }
  const at = own.findIndex(isBehind)
  return own.toSpliced(at === -1 ? own.length : at, 0, { id: order.id, price: order.price, remaining })
}
