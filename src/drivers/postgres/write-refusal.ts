import type { Clock } from '../../ports/clock.ts'
import { waitUntil } from './deadline.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { outcomeUnknown } from './postgres-failure.ts'
import type { PostgresSession } from './postgres-session.ts'
import { writeSettings } from './postgres-settings.ts'

const answerMs = 5_000

const loadedQuery = 'select extract(epoch from pg_conf_load_time())::text as at'

/**
 * Everybody's sessions but those of the product. One that holds a transaction open, or has chosen for itself what its transactions are, would
 * write on. Whoever comes afterwards finds the setting: the server itself loaded it before it told its processes.
 */
const endOlderSessions = `select pg_terminate_backend(pid) from pg_stat_activity
  where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name !~ '^pointzero[- ]'
    and backend_start <= to_timestamp($1::numeric)`

/** Idempotent, and so is its opposite: the file says it, then the server has read the file. */
export async function setWriteRefusal(
  config: PostgresMemberConfig,
  clock: Clock,
  session: PostgresSession,
  refuses: boolean,
): Promise<void> {
  const before = await loadedAt(session)
  await writeSettings(config, refuses)
  await session.query('select pg_reload_conf()', [], answerMs)
  const loaded = await waitUntil(clock, answerMs, 5, async () => {
    const at = await loadedAt(session)
    return at === before ? undefined : at
  })
  if (loaded === undefined)
    throw outcomeUnknown(config.name, 'its settings are on disk but the server did not load them')
  if (refuses) await session.query(endOlderSessions, [loaded], answerMs)
}

async function loadedAt(session: PostgresSession): Promise<string> {
  const [row] = await session.query<{ at: string }>(loadedQuery, [], answerMs)
  return row?.at ?? ''
}
