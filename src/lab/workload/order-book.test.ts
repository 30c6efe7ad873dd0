import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { applyOrder, emptyExchange } from './order-book.ts'
import type { ExchangeState, OrderBook } from './order-book.ts'
import { parseOrder } from './order.ts'
import type { Fill, Order } from './order.ts'
import { stateHash } from './state-hash.ts'

const anyOrders = fc
  .array(
    fc.record({
      account: fc.constantFrom('a1', 'a2'),
      symbol: fc.constantFrom('PZ', 'EX'),
      side: fc.constantFrom('buy' as const, 'sell' as const),
      price: fc.integer({ min: 95, max: 105 }),
      quantity: fc.integer({ min: 1, max: 20 }),
    }),
    { maxLength: 60 },
  )
  .map((orders): readonly Order[] => orders.map((order, index) => ({ id: `o${index}`, ...order })))

interface Step {
  readonly before: ExchangeState
  readonly order: Order
  readonly after: ExchangeState
  readonly fills: readonly Fill[]
}

function steps(orders: readonly Order[]): readonly Step[] {
  let state = emptyExchange
  return orders.map((order) => {
    const before = state
    const { state: after, fills } = applyOrder(before, order)
    state = after
    return { before, order, after, fills }
  })
}

function replay(orders: readonly Order[]): ExchangeState {
  return steps(orders).at(-1)?.after ?? emptyExchange
}

function lots(book: OrderBook | undefined): number {
  return [...(book?.buys ?? []), ...(book?.sells ?? [])].reduce((sum, { remaining }) => sum + remaining, 0)
}

function order(id: string, side: 'buy' | 'sell', price: number, quantity: number): Order {
  return { id, account: 'a', symbol: 'PZ', side, price, quantity }
}

describe('price-time priority', () => {
  it('matches the best price first and, at one price, the order that came first', () => {
    const state = replay([
      order('s1', 'sell', 101, 5),
      order('s2', 'sell', 100, 5),
      order('s3', 'sell', 100, 5),
    ])
    const { fills } = applyOrder(state, order('b1', 'buy', 101, 12))
    assert.deepEqual(fills, [
      { restingId: 's2', price: 100, quantity: 5 },
      { restingId: 's3', price: 100, quantity: 5 },
      { restingId: 's1', price: 101, quantity: 2 },
    ])
  })

  it('keeps the place in the queue of an order that was partly filled', () => {
    const state = replay([
      order('s1', 'sell', 100, 5),
      order('s2', 'sell', 100, 5),
      order('b1', 'buy', 100, 3),
    ])
    const { fills } = applyOrder(state, order('b2', 'buy', 100, 3))
    assert.deepEqual(
      fills.map(({ restingId, quantity }) => [restingId, quantity]),
      [
        ['s1', 2],
        ['s2', 1],
      ],
    )
  })

  it('leaves both sides sorted, best first, after any orders', () => {
    fc.assert(
      fc.property(anyOrders, (orders) => {
        for (const { buys, sells } of replay(orders).books.values()) {
          assert.deepEqual(
            buys,
            buys.toSorted((a, b) => b.price - a.price || age(a.id) - age(b.id)),
          )
          assert.deepEqual(
            sells,
            sells.toSorted((a, b) => a.price - b.price || age(a.id) - age(b.id)),
          )
        }
      }),
    )
  })

  it('never leaves a buy and a sell in the book that would trade', () => {
    fc.assert(
      fc.property(anyOrders, (orders) => {
        for (const { buys, sells } of replay(orders).books.values()) {
          assert.ok((buys[0]?.price ?? 0) < (sells[0]?.price ?? Infinity))
        }
      }),
    )
  })

  it('never trades at a price worse than the limit of either order', () => {
    fc.assert(
      fc.property(anyOrders, (orders) => {
        const priceOf = new Map(orders.map(({ id, price }) => [id, price]))
        for (const { order, fills } of steps(orders)) {
          for (const fill of fills) {
            assert.equal(fill.price, priceOf.get(fill.restingId))
            assert.ok(order.side === 'buy' ? fill.price <= order.price : fill.price >= order.price)
          }
        }
      }),
    )
  })

  it('neither makes nor loses a lot: what an order brings is traded with as much, or rests', () => {
    fc.assert(
      fc.property(anyOrders, (orders) => {
        for (const { before, order, after, fills } of steps(orders)) {
          const traded = fills.reduce((sum, { quantity }) => sum + quantity, 0)
          const change = lots(after.books.get(order.symbol)) - lots(before.books.get(order.symbol))
          assert.equal(change, order.quantity - 2 * traded)
          assert.ok(fills.every(({ quantity }) => quantity > 0))
        }
      }),
    )
  })

  it('changes no book but that of the symbol, and never the state it was given', () => {
    fc.assert(
      fc.property(anyOrders, (orders) => {
        for (const { before, order, after } of steps(orders)) {
          const hashBefore = stateHash(before)
          applyOrder(before, order)
          assert.equal(stateHash(before), hashBefore)
          for (const [symbol, book] of before.books) {
            if (symbol !== order.symbol) assert.equal(after.books.get(symbol), book)
          }
        }
      }),
    )
  })
})

describe('the state hash', () => {
  it('is the same for the same orders, in whatever process they were applied', () => {
    fc.assert(
      fc.property(anyOrders, fc.nat(60), (orders, crashAt) => {
        const survived = replay(orders.slice(0, crashAt))
        const rebuilt = orders
          .slice(crashAt)
          .reduce((state, order) => applyOrder(state, order).state, survived)
        assert.equal(stateHash(rebuilt), stateHash(replay(orders)))
      }),
    )
  })

  it('differs when one order is missing, doubled, or has another quantity', () => {
    fc.assert(
      fc.property(anyOrders, fc.nat(59), (orders, index) => {
        const chosen = orders[index]
        if (chosen === undefined) return
        const whole = stateHash(replay(orders))
        assert.notEqual(stateHash(replay(orders.toSpliced(index, 1))), whole)
        assert.notEqual(stateHash(replay(orders.toSpliced(index, 0, chosen))), whole)
      }),
    )
  })

  it('is this value for these orders, for ever: the checker of another release must agree', () => {
    const state = replay([order('o1', 'sell', 101, 5), order('o2', 'buy', 99, 7), order('o3', 'buy', 101, 2)])
    assert.equal(stateHash(state), '4802c2f3dc446e504914a5f61f5ddf35b636b6383d39dc53ad9dfe466f03b687')
  })
})

describe('an order from the wire', () => {
  it('is taken when it is complete', () => {
    assert.deepEqual(parseOrder({ ...order('o1', 'buy', 1, 1), more: 'ignored' }), order('o1', 'buy', 1, 1))
  })

  it('is refused with a quantity that is zero, negative, broken or not a number', () => {
    for (const quantity of [0, -1, 1.5, '1', Number.NaN, undefined]) {
      assert.equal(parseOrder({ ...order('o1', 'buy', 1, 1), quantity }), undefined)
    }
  })

  it('is refused when a name could break a line of the log', () => {
    assert.equal(parseOrder({ ...order('o1', 'buy', 1, 1), id: 'a\nb' }), undefined)
    assert.equal(parseOrder({ ...order('o1', 'buy', 1, 1), account: '' }), undefined)
  })
})

function age(id: string): number {
  return Number(id.slice(1))
}
