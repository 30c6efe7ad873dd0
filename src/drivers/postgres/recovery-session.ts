import type { Clock } from '../../ports/clock.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { PostgresSession } from './postgres-session.ts'

const answerMs = 5_000

/** A session of a recovery with a server of this host, through its own socket; closed whatever comes of it. */
export async function withinRecoverySession<T>(
  config: Omit<PostgresMemberConfig, 'database'>,
  clock: Clock,
  database: string,
  use: (session: PostgresSession) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  const { name, socketDirectory, port, superuser, password } = config
  const session = await PostgresSession.open(
    clock,
    {
      member: name,
      host: socketDirectory,
      port,
      user: superuser,
      database,
      applicationName: 'pointzero-recovery',
      settings,
      ...(password === undefined ? {} : { password }),
    },
    answerMs,
  )
  try {
    return await use(session)
  } finally {
    session.close()
  }
}

/** Every database that can be connected to, templates too, in the order of their names. */
export async function connectableDatabases(session: PostgresSession): Promise<readonly string[]> {
  const text = 'select datname as name from pg_database where datallowconn order by 1'
  return (await session.query<{ name: string }>(text, [], answerMs)).map(({ name }) => name)
}
