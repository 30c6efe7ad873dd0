import { parseLsn } from '../../domain/lsn.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Upstream } from '../../ports/database-member.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { authorityOf } from './member-tls.ts'
import { identityRefused, unreachable } from './postgres-failure.ts'
import { PostgresSession } from './postgres-session.ts'
import { parseTimelineHistory, timelineHistoryFile } from './timeline-history.ts'
import type { TimelineEnd, WalPosition } from './timeline-history.ts'

/** What a member has to know about the primary that it is going to follow. */
export interface UpstreamView {
  readonly systemIdentifier: string
  readonly position: WalPosition
  readonly ancestors: readonly TimelineEnd[]
}

const viewQuery = `
select (select system_identifier::text from pg_control_system()) as "systemIdentifier",
  pg_is_in_recovery() as recovering,
  case when pg_is_in_recovery() then null else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as "timelineHex",
  case when pg_is_in_recovery() then null else pg_current_wal_flush_lsn()::text end as "flushLsn"`

interface ViewRow {
  readonly systemIdentifier: string
  readonly recovering: boolean
  readonly timelineHex: string | null
  readonly flushLsn: string | null
}

const answerMs = 3_000
/** A fast checkpoint writes every dirty page; a whole WAL file is read and digested. */
const longMs = 600_000

/** A session on the upstream. */
export interface UpstreamSession {
  /** Fails with PG_UNREACHABLE when it does not answer or is no primary, with PG_IDENTITY when it is another cluster. */
  view(systemIdentifier: string | undefined): Promise<UpstreamView>
  /** SHA-256 in hex of the first `length` bytes of one of its WAL files; `undefined` when it has no such file any more. */
  digestOfWal(name: string, length: number): Promise<string | undefined>
  sizeBytes(): Promise<number>
  /** Until its first checkpoint, a promoted primary's control file shows the old timeline and pg_rewind sees no divergence (15). */
  checkpoint(): Promise<void>
}

async function viewOf(
  session: PostgresSession,
  name: string,
  systemIdentifier: string | undefined,
): Promise<UpstreamView> {
  const [row] = await session.query<ViewRow>(viewQuery, [], answerMs)
  if (row === undefined) throw unreachable(name, 'it did not say who it is')
  if (systemIdentifier !== undefined && row.systemIdentifier !== systemIdentifier) {
    throw identityRefused(`upstream ${name}`, row.systemIdentifier, systemIdentifier)
  }
  if (row.recovering || row.timelineHex === null || row.flushLsn === null) {
    throw unreachable(name, 'it is not a primary, so nobody can follow it')
  }
  const timeline = Number.parseInt(row.timelineHex, 16)
  return {
    systemIdentifier: row.systemIdentifier,
    position: { timeline, lsn: parseLsn(row.flushLsn) },
    ancestors: timeline === 1 ? [] : await readAncestors(session, timeline),
  }
}

async function digestOf(session: PostgresSession, name: string, length: number): Promise<string | undefined> {
  const [row] = await session.query<{ digest: string | null }>(
    `select encode(sha256(pg_read_binary_file($1, 0, $2, true)), 'hex') as digest`,
    [`pg_wal/${name}`, length],
    longMs,
  )
  return row?.digest ?? undefined
}

async function sizeOf(session: PostgresSession): Promise<number> {
  const [row] = await session.query<{ bytes: string }>(
    'select coalesce(sum(pg_database_size(oid)), 0)::text as bytes from pg_database',
    [],
    longMs,
  )
  return Number(row?.bytes ?? 0)
}

async function readAncestors(session: PostgresSession, timeline: number): Promise<readonly TimelineEnd[]> {
  const path = `pg_wal/${timelineHistoryFile(timeline)}`
  const [row] = await session.query<{ text: string }>('select pg_read_file($1) as text', [path], answerMs)
  return parseTimelineHistory(row?.text ?? '')
}

/** One connection for all that is to be asked. */
export async function withUpstream<T>(
  config: PostgresMemberConfig,
  clock: Clock,
  upstream: Upstream,
  use: (upstream: UpstreamSession) => Promise<T>,
): Promise<T> {
  const session = await PostgresSession.open(
    clock,
    {
      member: upstream.name,
      host: upstream.address,
      port: upstream.port,
      user: config.superuser,
      database: config.database,
      applicationName: 'pointzero-rejoin',
      ...(config.password === undefined ? {} : { password: config.password }),
      ...(await authorityOf(config)),
    },
    answerMs,
  )
  try {
    return await use({
      view: async (systemIdentifier) => await viewOf(session, upstream.name, systemIdentifier),
      digestOfWal: async (name, length) => await digestOf(session, name, length),
      sizeBytes: async () => await sizeOf(session),
      checkpoint: async () => void (await session.query('checkpoint', [], longMs)),
    })
  } finally {
    session.close()
  }
}
