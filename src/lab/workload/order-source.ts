import { seededRandom } from '../seeded-random.ts'
import type { Order } from './order.ts'

const symbols = ['PZC', 'EXA', 'EXB', 'EXC'] as const

/** An endless, seeded stream of orders around a price that wanders: most rest a while, many trade. */
export function orderSource(run: string, client: number, seed: number): () => Order {
  const random = seededRandom(seed * 1009 + client)
  const middle = new Map<string, number>(symbols.map((symbol) => [symbol, 1000]))
  let count = 0
  return () => {
    count++
    const symbol = symbols[random.integer(symbols.length)] ?? 'PZC'
    const center = Math.max(100, (middle.get(symbol) ?? 1000) + random.integer(3) - 1)
    middle.set(symbol, center)
    return {
      id: `${run}-${client}-${count}`,
      account: `acc${client}`,
      symbol,
      side: random.integer(2) === 0 ? 'buy' : 'sell',
      price: center + random.integer(11) - 5,
      quantity: 1 + random.integer(20),
    }
  }
}
