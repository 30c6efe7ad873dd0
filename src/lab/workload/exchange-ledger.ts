import { connectConfirmed, timelineNumber } from './confirmed-connection.ts'
import type { ConfirmedConnection, DatabaseTarget } from './confirmed-connection.ts'
import { confirmedBy, ledgerSchema } from './ledger-schema.ts'
import type { Fill, Order } from './order.ts'

export interface LedgerRow {
  readonly sequence: number
  readonly order: Order
  readonly fills: readonly Fill[]
}

export interface Confirmation {
  readonly server: string
  readonly timeline: number
}

/** Another engine was started after this one: it may write nothing any more, for ever. */
export class Superseded extends Error {
  override readonly name = 'Superseded'
}

/** The durable truth of the exchange. Every method is one transaction in one statement: none is ever left open. */
export interface ExchangeLedger {
  readonly epoch: number
  /** In sequence; everything read was confirmed when the ledger was opened. */
  readonly rows: readonly LedgerRow[]
  /** Resolves when the commit was confirmed. Throws Superseded when nothing was written, else the outcome is unknown. */
  append(rows: readonly LedgerRow[]): Promise<Confirmation>
  close(): void
}

/**
 * `heldEpoch` 0 starts a new engine: it raises the epoch, and from then on no older engine can commit. Otherwise the same engine
 * comes back after it lost its connection, which only works while nobody took over. Either way one confirmed write
 * comes before the reading: what is visible may have been left unreplicated by a crash (the restart hole), and a later
 * confirmed commit covers all earlier ones.
 */
export async function openLedger(
  target: DatabaseTarget,
  heldEpoch: number,
  timeoutMs: number,
): Promise<ExchangeLedger> {
  const connection = await connectConfirmed(target, timeoutMs)
  try {
    const epoch = await holdEpoch(connection, heldEpoch)
    const { rows } = await connection.run(
      'select sequence, order_id, account, symbol, side, price, quantity, fills from exchange.ledger order by sequence',
      [],
    )
    return {
      epoch,
      rows: rows.map(toLedgerRow),
      append: async (batch) => await append(connection, epoch, batch),
      close: () => connection.close(),
    }
  } catch (error) {
    connection.close()
    throw error
  }
}

async function holdEpoch(connection: ConfirmedConnection, heldEpoch: number): Promise<number> {
  if (heldEpoch === 0) await connection.run(ledgerSchema, [])
  const { rows, soft } = await connection.run(
    `update exchange.engine set epoch = case when $1::bigint = 0 then epoch + 1 else epoch end, opened_at = clock_timestamp()
     where $1::bigint in (0, epoch) returning epoch`,
    [heldEpoch],
  )
  if (soft) throw new Error('the epoch was written without a standby')
  const epoch = rows[0]?.['epoch']
  if (epoch === undefined) throw new Superseded(`epoch ${heldEpoch} is over`)
  return Number(epoch)
}

/**
 * The share lock on the engine's row decides between an old engine and a new one: either these rows are committed before the new
 * epoch, and the new engine reads them, or the old epoch is gone and nothing is inserted.
 */
const appendStatement = `
with guard as materialized (
  select epoch from exchange.engine where epoch = $1 for share
), written as (
  insert into exchange.ledger (sequence, order_id, account, symbol, side, price, quantity, fills, engine_epoch)
  select o.sequence, o.id, o.account, o.symbol, o.side, o.price, o.quantity, o.fills, guard.epoch
  from guard, jsonb_to_recordset($2::jsonb) as o(
    sequence bigint, id text, account text, symbol text, side text, price bigint, quantity bigint, fills jsonb)
  returning sequence
), told as (
  insert into exchange.outbox (order_id, event, kind, payload)
  select e.id, e.event, e.kind, e.payload
  from guard, jsonb_to_recordset($3::jsonb) as e(id text, event integer, kind text, payload jsonb)
)
select (select count(*) from written) as written, ${confirmedBy}`

async function append(
  connection: ConfirmedConnection,
  epoch: number,
  batch: readonly LedgerRow[],
): Promise<Confirmation> {
  const orders = batch.map(({ sequence, order, fills }) => ({ sequence, ...order, fills }))
  const events = batch.flatMap(outboxEvents)
  const { rows, soft } = await connection.run(appendStatement, [
    epoch,
    JSON.stringify(orders),
    JSON.stringify(events),
  ])
  const [answer] = rows
  if (Number(answer?.['written']) !== batch.length) throw new Superseded(`epoch ${epoch} is over`)
  if (soft) throw new Error('committed without a standby')
  return { server: String(answer?.['server']), timeline: timelineNumber(answer?.['timeline']) }
}

interface OutboxEvent {
  readonly id: string
  readonly event: number
  readonly kind: 'accepted' | 'filled'
  readonly payload: object
}

function outboxEvents({ sequence, order, fills }: LedgerRow): readonly OutboxEvent[] {
  const accepted = { id: order.id, event: 0, kind: 'accepted' as const, payload: { sequence } }
  const filled = fills.map((fill, index) => {
    return { id: order.id, event: index + 1, kind: 'filled' as const, payload: fill }
  })
  return [accepted, ...filled]
}

function toLedgerRow(row: Readonly<Record<string, unknown>>): LedgerRow {
  return {
    sequence: Number(row['sequence']),
    order: {
      id: String(row['order_id']),
      account: String(row['account']),
      symbol: String(row['symbol']),
      side: row['side'] === 'buy' ? 'buy' : 'sell',
      price: Number(row['price']),
      quantity: Number(row['quantity']),
    },
    fills: row['fills'] as readonly Fill[],
  }
}
