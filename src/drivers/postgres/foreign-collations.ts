import type { ForeignCollation } from '../../ports/isolated-database.ts'
import type { PostgresSession } from './postgres-session.ts'

const answerMs = 10_000
const indexesMax = 100

/**
 * Versions as the copy recorded them against those of this host's libraries. An index that sorts by a collation of another version finds no longer
 * all that is there; nothing else of the copy says so. Where a library tells no version here, that is said too.
 */
const collationsQuery = `
with differing as (
  select 100::oid as oid, 'the default' as name, d.datcollversion as recorded,
    pg_database_collation_actual_version(d.oid) as here
  from pg_database d where d.datname = current_database()
  union all
  select c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.collname), c.collversion, pg_collation_actual_version(c.oid)
  from pg_collation c join pg_namespace n on n.oid = c.collnamespace where c.collversion is not null
)
select name, recorded, coalesce(here, 'unknown') as here,
  (select coalesce(array_agg(i.indexrelid::regclass::text order by 1), '{}') from pg_index i
    where differing.oid = any (i.indcollation)
      -- Names in the catalogue are sorted byte by byte.
      and i.indexrelid >= 16384) as indexes
from differing where recorded is not null and recorded is distinct from here`

export async function foreignCollations(
  session: PostgresSession,
  database: string,
): Promise<readonly ForeignCollation[]> {
  const rows = await session.query<{ name: string; recorded: string; here: string; indexes: string[] }>(
    collationsQuery,
    [],
    answerMs,
  )
  return rows
    .filter(({ name, indexes }) => name === 'the default' || indexes.length > 0)
    .map(({ name, recorded, here, indexes }) => ({
      database,
      collation: name,
      recorded,
      here,
      indexes: indexes.slice(0, indexesMax),
    }))
}
