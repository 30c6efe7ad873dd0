import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Superseded } from './exchange-ledger.ts'
import type { LedgerRow } from './exchange-ledger.ts'
import { matchingEngine } from './matching-engine.ts'
import type { MatchingEngine } from './matching-engine.ts'
import type { Order } from './order.ts'

type Fate = 'confirmed' | 'lost before commit' | 'lost after commit' | 'superseded'

/** A ledger in memory whose next commits end as told. */
function ledgerThat(...fates: readonly Fate[]) {
  const rows: LedgerRow[] = []
  const batches: number[] = []
  const opened: number[] = []
  const queue = [...fates]
  const open = async (heldEpoch: number) => {
    opened.push(heldEpoch)
    const epoch = heldEpoch === 0 ? opened.length : heldEpoch
    const append = async (batch: readonly LedgerRow[]) => {
      const fate = queue.shift() ?? 'confirmed'
      if (fate === 'superseded') throw new Superseded('epoch is over')
      if (fate !== 'lost before commit') rows.push(...batch)
      batches.push(batch.length)
      if (fate !== 'confirmed') throw new Error('connection lost')
      return { server: '10.0.0.1', timeline: 1 }
    }
    return { epoch, rows: [...rows], append, close: () => {} }
  }
  return { rows, batches, opened, open }
}

async function running(
  ledger: ReturnType<typeof ledgerThat>,
  test: (engine: MatchingEngine) => Promise<void>,
): Promise<unknown> {
  const stop = new AbortController()
  const engine = matchingEngine({ open: ledger.open, batchMax: 64, report: () => {} })
  const ended = engine.run(stop.signal).catch((error: unknown) => error)
  await untilReady(engine)
  await test(engine)
  stop.abort()
  return await ended
}

async function untilReady(engine: MatchingEngine): Promise<void> {
  while (!engine.status().ready) await new Promise((resolve) => setTimeout(resolve, 5))
}

function order(id: string, side: 'buy' | 'sell' = 'buy'): Order {
  return { id, account: 'a', symbol: 'PZ', side, price: 100, quantity: 5 }
}

describe('the matching engine', () => {
  it('acknowledges each order of a batch that one transaction carried', async () => {
    const ledger = ledgerThat()
    await running(ledger, async ({ submit }) => {
      const replies = await Promise.all([
        submit(order('o1')),
        submit(order('o2', 'sell')),
        submit(order('o3')),
      ])
      assert.deepEqual(
        replies.map(({ outcome, sequence, fills }) => [outcome, sequence, fills]),
        [
          ['acked', 1, 0],
          ['acked', 2, 1],
          ['acked', 3, 0],
        ],
      )
    })
    assert.equal(ledger.rows.length, 3)
    assert.ok(ledger.batches.length < 3)
  })

  it('executes an order once that is sent again after its outcome was unknown and its commit happened', async () => {
    const ledger = ledgerThat('lost after commit')
    await running(ledger, async (engine) => {
      assert.equal((await engine.submit(order('o1'))).outcome, 'unknown')
      await untilReady(engine)
      const again = await engine.submit(order('o1'))
      assert.equal(again.outcome, 'acked')
      assert.equal(again.sequence, 1)
    })
    assert.deepEqual(
      ledger.rows.map(({ order }) => order.id),
      ['o1'],
    )
  })

  it('executes it the second time when the first commit did not happen', async () => {
    const ledger = ledgerThat('lost before commit')
    await running(ledger, async (engine) => {
      assert.equal((await engine.submit(order('o1'))).outcome, 'unknown')
      await untilReady(engine)
      assert.equal((await engine.submit(order('o1'))).outcome, 'acked')
    })
    assert.equal(ledger.rows.length, 1)
  })

  it('executes an order once that comes twice in one batch', async () => {
    const ledger = ledgerThat()
    await running(ledger, async ({ submit }) => {
      const replies = await Promise.all([submit(order('o1')), submit(order('o1'))])
      assert.deepEqual(
        replies.map(({ sequence }) => sequence),
        [1, 1],
      )
    })
    assert.equal(ledger.rows.length, 1)
  })

  it('comes back under the epoch it held, and reaches the same state from the rows alone', async () => {
    const ledger = ledgerThat('confirmed', 'lost after commit')
    let hash = ''
    await running(ledger, async (engine) => {
      await engine.submit(order('o1'))
      await engine.submit(order('o2', 'sell'))
      await untilReady(engine)
      hash = engine.status().stateHash
    })
    assert.deepEqual(ledger.opened, [0, 1])
    await running(ledger, async (engine) => assert.equal(engine.status().stateHash, hash))
  })

  it('refuses and ends for ever when another engine took over', async () => {
    const ledger = ledgerThat('superseded')
    const ended = await running(ledger, async ({ submit, status }) => {
      assert.equal((await submit(order('o1'))).outcome, 'refused')
      assert.equal(status().ready, false)
      assert.equal((await submit(order('o2'))).outcome, 'refused')
    })
    assert.ok(ended instanceof Superseded)
    assert.deepEqual(ledger.rows, [])
  })
})
