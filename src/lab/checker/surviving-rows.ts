import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import type { ClientConfig } from 'pg'

export interface LedgerFill {
  readonly restingId: string
  readonly price: number
  readonly quantity: number
}

export interface LedgerEntry {
  readonly sequence: number
  readonly id: string
  readonly account: string
  readonly symbol: string
  readonly side: string
  readonly price: number
  readonly quantity: number
  readonly fills: readonly LedgerFill[]
}

export interface OutboxEntry {
  readonly id: string
  readonly event: number
  readonly kind: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** What the surviving database holds: the truth that acknowledgements are compared with. */
export interface SurvivingRows {
  readonly server: string
  readonly timeline: number
  readonly ledger: readonly LedgerEntry[]
  readonly outbox: readonly OutboxEntry[]
  /** `<run>-<id>` of every row. */
  readonly rawWrites: readonly string[]
  readonly probes: readonly string[]
}

/**
 * The estate's authority must have signed the member's certificate; the address is not compared, because a gate may lie between. Written
 * here again on purpose: this program imports nothing of what it judges.
 */
function verified(): ClientConfig['ssl'] {
  const authorityFile = process.env['PGSSLROOTCERT']
  if (authorityFile === undefined) return false
  return { ca: readFileSync(authorityFile), minVersion: 'TLSv1.3', checkServerIdentity: () => undefined }
}

/** One snapshot of everything. */
export async function dumpDatabase(connection: {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}): Promise<SurvivingRows> {
  const options = { ...connection, ssl: verified(), application_name: 'checker' }
  const client = new Client({ ...options, connectionTimeoutMillis: 5000 })
  client.on('error', () => {}) // the query in flight fails with it
  await client.connect()
  const rowsOf = async (sql: string): Promise<readonly Record<string, unknown>[]> =>
    (await client.query(sql)).rows
  try {
    await client.query('begin isolation level repeatable read read only')
    const [member] = await rowsOf(
      `select coalesce(host(inet_server_addr()), 'local') as server, timeline_id as timeline from pg_control_checkpoint()`,
    )
    return {
      server: String(member?.['server']),
      timeline: Number(member?.['timeline']),
      ledger: (await rowsOf('select * from exchange.ledger order by sequence')).map(toLedgerEntry),
      outbox: (await rowsOf('select * from exchange.outbox')).map(toOutboxEntry),
      rawWrites: (await rowsOf('select run, id from exchange.raw_writes')).map(toWriteId),
      probes: (await rowsOf('select run, id from exchange.probes')).map(toWriteId),
    }
  } finally {
    await client.end()
  }
}

/** A dump that was kept. */
export function readRows(file: string): SurvivingRows {
  return JSON.parse(readFileSync(file, 'utf8')) as SurvivingRows
}

function toLedgerEntry(row: Readonly<Record<string, unknown>>): LedgerEntry {
  return {
    sequence: Number(row['sequence']),
    id: String(row['order_id']),
    account: String(row['account']),
    symbol: String(row['symbol']),
    side: String(row['side']),
    price: Number(row['price']),
    quantity: Number(row['quantity']),
    fills: row['fills'] as readonly LedgerFill[],
  }
}

function toOutboxEntry(row: Readonly<Record<string, unknown>>): OutboxEntry {
  return {
    id: String(row['order_id']),
    event: Number(row['event']),
    kind: String(row['kind']),
    payload: row['payload'] as Readonly<Record<string, unknown>>,
  }
}

function toWriteId(row: Readonly<Record<string, unknown>>): string {
  return `${String(row['run'])}-${String(row['id'])}`
}
