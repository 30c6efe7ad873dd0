import type { Json } from '../../domain/canonical-json.ts'
import type { SequenceFileHeight, SequenceHeight } from '../../ports/isolated-database.ts'
import type { Inspected } from './inspect-databases.ts'
import type { PostgresSession } from './postgres-session.ts'
import { quoteIdentifier } from './quoting.ts'
import { connectableDatabases } from './recovery-session.ts'

const answerMs = 30_000

interface Sequence {
  readonly schema: string
  readonly name: string
  readonly file: string
  readonly database: string
  readonly increment: string
  readonly lowest: string
  readonly highest: string
}

const sequencesQuery = `
select n.nspname as schema, c.relname as name, pg_relation_filenode(c.oid)::text as file,
  (select oid::text from pg_database where datname = current_database()) as database,
  s.seqincrement::text as increment, s.seqmin::text as lowest, s.seqmax::text as highest
from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
where c.relpersistence <> 't' order by 1, 2`

/**
 * No value that anybody was given after the goal is given again (T16). By file from the WAL that is not replayed, and by name from the
 * database that is replaced: a sequence that was restarted there has another file. Called again it changes nothing.
 */
export async function raiseSequences(
  server: Inspected,
  heights: readonly SequenceHeight[],
  files: readonly SequenceFileHeight[],
): Promise<{ readonly raised: readonly Json[]; readonly unknownFiles: number }> {
  const raised: Json[] = []
  const matched = new Set<string>()
  const names = await server.within(connectableDatabases)
  for (const name of names) {
    const named = heights.filter(({ database }) => database === name)
    await server.within(async (session) => {
      for (const sequence of await session.query<Sequence & Record<string, unknown>>(
        sequencesQuery,
        [],
        answerMs,
      )) {
        const known = [
          ...files.filter(
            ({ database, file }) => `${database}/${file}` === `${sequence.database}/${sequence.file}`,
          ),
          ...named.filter((one) => one.schema === sequence.schema && one.name === sequence.name),
        ]
        matched.add(`${sequence.database}/${sequence.file}`)
        const change = await raiseOne(session, sequence, known)
        if (change !== undefined)
          raised.push({ database: name, schema: sequence.schema, name: sequence.name, ...change })
      }
    }, name)
  }
  return {
    raised,
    unknownFiles: files.filter(({ database, file }) => !matched.has(`${database}/${file}`)).length,
  }
}

async function raiseOne(
  session: PostgresSession,
  sequence: Sequence,
  known: readonly { readonly value: string; readonly lowest: string }[],
): Promise<{ readonly from: string; readonly to: string } | undefined> {
  if (known.length === 0) return undefined
  const name = `${quoteIdentifier(sequence.schema)}.${quoteIdentifier(sequence.name)}`
  const [row] = await session.query<{ value: string; called: boolean }>(
    `select last_value::text as value, is_called as called from ${name}`,
    [],
    answerMs,
  )
  const now = BigInt(row?.value ?? '0')
  const isUpwards = BigInt(sequence.increment) > 0n
  const wanted = known.reduce((far, one) => {
    const value = BigInt(isUpwards ? one.value : one.lowest)
    return (isUpwards ? value > far : value < far) ? value : far
  }, now)
  const [lowest, highest] = [BigInt(sequence.lowest), BigInt(sequence.highest)]
  const to = wanted > highest ? highest : wanted < lowest ? lowest : wanted
  if (to === now && row?.called === true) return undefined
  await session.query(
    'select setval($1::text::regclass, $2::text::bigint, true)',
    [name, String(to)],
    answerMs,
  )
  return { from: String(now), to: String(to) }
}
