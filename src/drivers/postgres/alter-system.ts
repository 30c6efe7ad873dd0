import type { Clock } from '../../ports/clock.ts'
import { waitUntil } from './deadline.ts'
import { outcomeUnknown } from './postgres-failure.ts'
import type { PostgresSession } from './postgres-session.ts'
import { quoteIdentifier, quoteLiteral } from './quoting.ts'

/** Sets it on disk, where it survives a restart, and resolves when the server has loaded it. Works on a standby too. */
export async function alterSystem(
  clock: Clock,
  member: string,
  session: PostgresSession,
  name: string,
  value: string,
): Promise<void> {
  await session.query(`alter system set ${quoteIdentifier(name)} = ${quoteLiteral(value)}`, [], 5_000)
  await session.query('select pg_reload_conf()', [], 5_000)
  const loaded = await waitUntil(clock, 5_000, 5, async () => {
    const [row] = await session.query<{ value: string }>('select current_setting($1) as value', [name], 5_000)
    return row?.value === value ? true : undefined
  })
  if (loaded !== true) throw outcomeUnknown(member, `${name} is set on disk but the server did not load it`)
}
