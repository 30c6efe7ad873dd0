import { RecoveryError } from '../../domain/recovery-error.ts'
import type { OwnedInvariant } from '../../ports/database-recovery.ts'
import type { Inspection } from '../../ports/isolated-database.ts'
import type { PostgresSession } from './postgres-session.ts'
import { foreignCollations } from './foreign-collations.ts'
import { quoteIdentifier } from './quoting.ts'
import { connectableDatabases } from './recovery-session.ts'

/** The isolated server, as far as a check needs it. */
export interface Inspected {
  within<T>(use: (session: PostgresSession) => Promise<T>, database?: string): Promise<T>
}

const answerMs = 10_000
/** A relation may be hundreds of gigabytes. */
const readMs = 24 * 3_600_000
const problemsMax = 100
/** Most databases of a server are small, and most of what they cost is the way to and fro. */
const databasesAtOnce = 4

interface Relation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: string
  readonly pages: number
}

const relationsQuery = `
select c.oid::int8::int as oid, n.nspname as schema, c.relname as name, c.relkind as kind,
  (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as pages
from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_am a on a.oid = c.relam
where c.relkind in ('r', 't', 'm', 'S') and c.relpersistence <> 't' and (c.relam = 0 or a.amname = 'heap')
order by 1`

const indexesQuery = `
select c.oid::int8::int as oid, n.nspname as schema, c.relname as name, a.amname as method,
  (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as pages
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_index i on i.indexrelid = c.oid
  join pg_am a on a.oid = c.relam
where c.relkind = 'i' and c.relpersistence = 'p' and i.indisvalid and i.indisready
order by 1`

/** What amcheck has no way to look at, or nobody would use: named, so that it is not taken for checked (T23). */
const uncheckableQuery = `
select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name,
  case when c.relkind <> 'i' then format('its access method is %s', a.amname)
    when c.relpersistence = 'u' then 'an index of an unlogged table'
    else 'it is not valid: it was never finished' end as why
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_am a on a.oid = c.relam
  left join pg_index i on i.indexrelid = c.oid
where (c.relkind in ('r', 't', 'm') and a.amname <> 'heap')
  or (c.relkind = 'i' and (c.relpersistence = 'u' or not i.indisvalid or not i.indisready))
order by 1 limit 100`

type Found = Omit<Inspection, 'network'>

type Mutable = {
  -readonly [K in keyof Found]: Found[K] extends readonly (infer T)[] ? T[] : Found[K]
}

/**
 * Reads every page of every table, and compares tables and indexes with amcheck. The extension is made for that in a transaction that is
 * rolled back, so the copy stays what it was. What it can not do it says (T22, T23).
 */
export async function inspectDatabases(
  server: Inspected,
  database: string,
  invariants: readonly OwnedInvariant[],
): Promise<Found> {
  const names = await server.within(connectableDatabases)
  const found = nothingFound()
  for (let at = 0; at < names.length; at += databasesAtOnce) {
    const group = names.slice(at, at + databasesAtOnce)
    const looks = group.map((name) => server.within((session) => inspectOne(session, name), name))
    // All of them end, so that no session goes on after a failure.
    for (const look of await Promise.allSettled(looks)) {
      if (look.status === 'rejected') throw look.reason
      add(found, look.value)
    }
  }
  await server.within(async (session) => {
    found.unchecked.push(...(await disabled(session)))
    for (const invariant of invariants) await ask(session, invariant, found)
  }, database)
  return { ...found, problems: found.problems.slice(0, problemsMax) }
}

function nothingFound(): Mutable {
  return {
    relations: 0,
    pages: 0,
    indexesCompared: 0,
    unchecked: [],
    collations: [],
    invariants: [],
    problems: [],
  }
}

function add(found: Mutable, more: Mutable): void {
  found.relations += more.relations
  found.pages += more.pages
  found.indexesCompared += more.indexesCompared
  found.unchecked.push(...more.unchecked)
  found.collations.push(...more.collations)
  found.problems.push(...more.problems)
}

async function inspectOne(session: PostgresSession, database: string): Promise<Mutable> {
  const found = nothingFound()
  found.collations.push(...(await foreignCollations(session, database)))
  await session.query('begin', [], answerMs)
  const schema = await amcheckSchema(session)
  if (schema === undefined)
    found.unchecked.push(
      `${database}: amcheck is not installed on this host, so indexes were not compared with tables`,
    )
  for (const relation of await session.query<Relation & Record<string, unknown>>(
    relationsQuery,
    [],
    answerMs,
  )) {
    const name = `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`
    found.relations += 1
    found.pages += relation.pages
    await guarded(session, `${database}: ${name}`, found, async () => {
      await session.query(`select count(*) from only ${name}`, [], readMs)
      if (schema === undefined || relation.kind === 'S') return
      const rows = await session.query<{ msg: string }>(
        `select msg from ${schema}.verify_heapam($1::text::regclass) limit 3`,
        [name],
        readMs,
      )
      for (const { msg } of rows) found.problems.push(`${database}: ${name}: ${msg}`)
    })
  }
  if (schema !== undefined) await compareIndexes(session, database, schema, found)
  await session.query('rollback', [], answerMs)
  return found
}

async function compareIndexes(
  session: PostgresSession,
  database: string,
  schema: string,
  found: Mutable,
): Promise<void> {
  const others = new Set<string>()
  for (const index of await session.query<Relation & { method: string }>(indexesQuery, [], answerMs)) {
    const name = `${quoteIdentifier(index.schema)}.${quoteIdentifier(index.name)}`
    if (index.method !== 'btree') {
      others.add(index.method)
      continue
    }
    found.indexesCompared += 1
    found.pages += index.pages
    await guarded(session, `${database}: ${name}`, found, async () => {
      await session.query(`select ${schema}.bt_index_check($1::text::regclass, true)`, [name], readMs)
    })
  }
  for (const { name, why } of await session.query<{ name: string; why: string }>(
    uncheckableQuery,
    [],
    answerMs,
  ))
    found.unchecked.push(`${database}: ${name} was not compared: ${why}`)
  for (const method of others)
    found.unchecked.push(`${database}: indexes of kind ${method} were not compared`)
}

/** What the server refuses to read is a finding; that it does not answer any more is not. */
async function guarded(
  session: PostgresSession,
  what: string,
  found: Mutable,
  use: () => Promise<void>,
): Promise<void> {
  await session.query('savepoint one', [], answerMs)
  try {
    await use()
    await session.query('release savepoint one', [], answerMs)
  } catch (error) {
    if (!(error instanceof RecoveryError) || error.class !== 'permanent') throw error
    found.problems.push(`${what}: ${error.message}`)
    await session.query('rollback to savepoint one', [], answerMs)
  }
}

/** Where its functions are; made for the time of this transaction where it is to be had and not there. */
async function amcheckSchema(session: PostgresSession): Promise<string | undefined> {
  const [there] = await session.query<{ schema: string }>(
    `select n.nspname as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'amcheck'`,
    [],
    answerMs,
  )
  if (there !== undefined) return quoteIdentifier(there.schema)
  const [available] = await session.query(
    `select from pg_available_extensions where name = 'amcheck'`,
    [],
    answerMs,
  )
  if (available === undefined) return undefined
  const schema = quoteIdentifier('pointzero recovery check')
  await session.query(`create schema ${schema}`, [], answerMs)
  await session.query(`create extension amcheck schema ${schema}`, [], answerMs)
  return schema
}

/** What comes back and does not work by itself afterwards (T23). */
async function disabled(session: PostgresSession): Promise<readonly string[]> {
  const [row] = await session.query<{ prepared: number; unlogged: number; subscriptions: number }>(
    `select (select count(*)::int from pg_prepared_xacts) as prepared,
       (select count(*)::int from pg_class where relpersistence = 'u' and relkind = 'r') as unlogged,
       (select count(*)::int from pg_subscription) as subscriptions`,
    [],
    answerMs,
  )
  const { prepared = 0, unlogged = 0, subscriptions = 0 } = row ?? {}
  return [
    ...(prepared > 0 ? [`${prepared} prepared transactions are open: commit or roll back each`] : []),
    ...(unlogged > 0 ? [`${unlogged} unlogged tables of this database are empty`] : []),
    ...(subscriptions > 0
      ? [`${subscriptions} subscriptions ask their publishers again from an older position`]
      : []),
  ]
}

async function ask(session: PostgresSession, invariant: OwnedInvariant, found: Mutable): Promise<void> {
  const { name, query, equals } = invariant
  await session.query('begin read only', [], answerMs)
  try {
    const text = `select value::text as value from (${query.replace(/;\s*$/, '')}) as asked(value)`
    const [row] = await session.query<{ value: string | null }>(text, [], readMs)
    const value = row === undefined ? 'no row' : (row.value ?? 'null')
    found.invariants.push({ name, found: value, holds: value === equals })
    if (value !== equals) found.problems.push(`invariant ${name}: ${value} instead of ${equals}`)
  } catch (error) {
    if (!(error instanceof RecoveryError) || error.class !== 'permanent') throw error
    found.invariants.push({ name, found: error.message, holds: false })
    found.problems.push(`invariant ${name}: ${error.message}`)
  }
  await session.query('rollback', [], answerMs)
}
