import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { ExportedRows, UndoneTransaction } from '../../ports/isolated-database.ts'
import type { RunAs } from './member-config.ts'
import type { PostgresSession } from './postgres-session.ts'
import { quoteIdentifier, quoteLiteral } from './quoting.ts'
import type { RecoveryPlace } from './recovery-place.ts'

export interface ExportSource {
  readonly databases: readonly string[]
  readonly within: <T>(use: (session: PostgresSession) => Promise<T>, database: string) => Promise<T>
  readonly place: RecoveryPlace
  readonly owner: RunAs | undefined
}

const answerMs = 10_000
const readMs = 24 * 3_600_000
const fetchRows = 1_000
const fileName = 'rows-after-target.ndjson'

const tablesQuery = `
select n.nspname as schema, c.relname as name, c.relpersistence as persistence
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema', 'pointzero_canary') order by 1, 2`

/**
 * Every row whose present form was written by one of the transactions, a line each. The form of a row names its writer (xmin), also when it is
 * frozen; so one that was changed again belongs to whoever changed it last.
 */
export async function exportRows(
  { databases, within, place, owner }: ExportSource,
  transactions: readonly UndoneTransaction[],
): Promise<ExportedRows> {
  const byXid = new Map<string, UndoneTransaction>()
  for (const transaction of transactions)
    for (const xid of [transaction.xid, ...transaction.subtransactions]) byXid.set(String(xid), transaction)
  const list = `{${[...byXid.keys()].join(',')}}`
  const path = place.path(fileName)
  const file = await open(path, 'w', 0o600)
  const hash = createHash('sha256')
  const byTable: { table: string; rows: number }[] = []
  const unlogged: string[] = []
  try {
    for (const database of databases) {
      await within(async (session) => {
        await session.query('begin isolation level repeatable read read only', [], answerMs)
        for (const table of await session.query<Table>(tablesQuery, [], answerMs)) {
          const name = `${database}.${table.schema}.${table.name}`
          if (table.persistence === 'u') unlogged.push(name)
          if (table.persistence === 'u' || byXid.size === 0) continue
          const rows = await exportTable(session, table, list, async (xid, row) => {
            const line = lineOf(database, table, byXid.get(xid), xid, row)
            hash.update(line)
            await file.write(line)
          })
          if (rows > 0) byTable.push({ table: name, rows })
        }
        await session.query('rollback', [], answerMs)
      }, database)
    }
    if (owner !== undefined) await file.chown(owner.uid, owner.gid)
    await file.sync()
  } finally {
    await file.close()
  }
  const rows = byTable.reduce((total, one) => total + one.rows, 0)
  return { file: path, rows, sha256: hash.digest('hex'), byTable, unlogged }
}

interface Table {
  readonly [name: string]: unknown
  readonly schema: string
  readonly name: string
  readonly persistence: string
}

interface Row {
  readonly [name: string]: unknown
  readonly xid: string
  readonly row: string
}

async function exportTable(
  session: PostgresSession,
  { schema, name }: Table,
  list: string,
  write: (xid: string, row: string) => Promise<void>,
): Promise<number> {
  await session.query(
    `declare undone no scroll cursor for select t.xmin::text as xid, row_to_json(t)::text as row
       from only ${quoteIdentifier(schema)}.${quoteIdentifier(name)} as t where t.xmin::text = any(${quoteLiteral(list)}::text[])`,
    [],
    readMs,
  )
  let rows = 0
  for (;;) {
    const some = await session.query<Row>(`fetch ${fetchRows} from undone`, [], readMs)
    for (const { xid, row } of some) await write(xid, row)
    rows += some.length
    if (some.length < fetchRows) break
  }
  await session.query('close undone', [], answerMs)
  return rows
}

/** The row stays as PostgreSQL wrote it: a number of 30 digits would not survive being read here. */
function lineOf(
  database: string,
  { schema, name }: Table,
  transaction: UndoneTransaction | undefined,
  xid: string,
  row: string,
): string {
  const head = JSON.stringify({
    database,
    schema,
    table: name,
    xid: Number(xid),
    transaction: transaction?.xid ?? Number(xid),
    commitLsn: transaction?.lsn ?? '',
    commitMicroseconds: transaction?.timeMicroseconds ?? 0,
  })
  return `${head.slice(0, -1)},"row":${row}}\n`
}
