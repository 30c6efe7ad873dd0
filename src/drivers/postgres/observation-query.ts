import { parseLsn } from '../../domain/lsn.ts'
import type { MemberObservation } from '../../ports/database-member.ts'
import { describeUpstream } from './conninfo.ts'
import type { PostgresSession } from './postgres-session.ts'
import { parseSyncRule } from './sync-rule.ts'
import type { SyncRule } from './sync-rule.ts'

/**
 * One statement, one snapshot of settings and shared memory. The newest timeline of a standby is taken from the names of its WAL
 * files: pg_control lags behind by a restartpoint, the WAL receiver is gone after a detach. Whether the end was reached is read before
 * the position that it vouches for.
 */
const observationQuery = `
with state as materialized (select pg_is_in_recovery() as recovering),
receiver as materialized (select status, received_tli from pg_stat_wal_receiver)
select jsonb_build_object(
  'recovering', recovering,
  'systemIdentifier', (select system_identifier::text from pg_control_system()),
  'versionNumber', current_setting('server_version_num')::int,
  'timelineHex', case when recovering then
    (select max(substr(name, 1, 8)) from pg_ls_dir('pg_wal') as name where name ~ '^[0-9A-F]{24}$')
    else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end,
  'receiverTimeline', (select received_tli from receiver),
  'controlTimeline', (select timeline_id from pg_control_checkpoint()),
  'flushLsn', case when recovering then null else pg_current_wal_flush_lsn()::text end,
  'receivedLsn', case when recovering then pg_last_wal_receive_lsn()::text end,
  'endOfWal', recovering and exists (select from pg_stat_activity where backend_type = 'startup'
    and wait_event in ('RecoveryRetrieveRetryInterval', 'RecoveryWalStream')),
  'replayedLsn', case when recovering then pg_last_wal_replay_lsn()::text end,
  'conninfo', current_setting('primary_conninfo'),
  'receiving', exists (select from pg_stat_activity where backend_type = 'walreceiver'),
  'streaming', exists (select from receiver where status = 'streaming'),
  'syncRule', current_setting('synchronous_standby_names'),
  'standbys', case when not recovering then (select coalesce(jsonb_agg(jsonb_build_object(
      'name', application_name, 'state', state, 'syncState', sync_state, 'flushLsn', flush_lsn::text,
      'lagBytes', greatest(0, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn)), 'encrypted', ssl
    ) order by application_name, pid), '[]') from pg_stat_replication left join pg_stat_ssl using (pid)) end,
  'slots', (select coalesce(jsonb_agg(jsonb_build_object(
      'name', slot_name, 'walStatus', coalesce(wal_status, 'unreserved'), 'retainedBytes', greatest(0, pg_wal_lsn_diff(
        case when recovering then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn))
    ) order by slot_name), '[]') from pg_replication_slots),
  'refusesWrites', exists (select from pg_settings
    where name = 'default_transaction_read_only' and setting = 'on' and sourcefile like '%/pointzero.conf'),
  'bypasses', (select coalesce(jsonb_agg(line order by line), '[]') from (
    select format('server: %s = %s', name, setting) from pg_settings
      where (name = 'synchronous_commit' and setting not in ('on', 'remote_apply')
          and source not in ('database', 'user', 'database user', 'client', 'session'))
        or (name = 'fsync' and setting = 'off') or (name = 'restart_after_crash' and setting = 'on')
    union all
    select format('%s%s: %s', case setrole when 0 then 'all roles' else 'role ' || setrole::regrole end,
        coalesce(' in database ' || (select quote_ident(datname) from pg_database where oid = setdatabase), ''), entry)
      from pg_db_role_setting, unnest(setconfig) as entry
      where entry ~* '^synchronous_commit=' and entry !~* '=(on|true|yes|1|remote_apply)$'
    union all
    select format('session %s of %s in %s: its statement sets synchronous_commit', pid, usename, datname)
      from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid() and query ~* $1
  ) as found (line))
) as seen from state`

/**
 * PostgreSQL shows no session another session's settings. What can be seen is the text of its latest statement; a session that set
 * it earlier, or in its startup packet, is invisible here and is found only by the history checker of a drill.
 */
const bypassPattern = `synchronous_commit['"]?\\s*(=|to|,)\\s*'?(off|local|remote_write|false|no|0)`

/** Prepared, because to plan it takes the server several times as long as to answer it. */
export async function seeMember(
  session: PostgresSession,
  timeoutMs: number,
): Promise<SeenMember | undefined> {
  const [row] = await session.prepared<{ seen: SeenMember }>(
    'pointzero_see',
    observationQuery,
    [bypassPattern],
    timeoutMs,
  )
  return row?.seen
}

export interface SeenMember {
  readonly recovering: boolean
  readonly systemIdentifier: string
  readonly versionNumber: number
  readonly timelineHex: string | null
  readonly receiverTimeline: number | null
  readonly controlTimeline: number
  readonly flushLsn: string | null
  readonly receivedLsn: string | null
  readonly endOfWal: boolean
  readonly replayedLsn: string | null
  readonly conninfo: string
  readonly receiving: boolean
  readonly streaming: boolean
  readonly syncRule: string
  readonly standbys: readonly SeenStandby[] | null
  readonly slots: readonly {
    readonly name: string
    readonly walStatus: string
    readonly retainedBytes: number | null
  }[]
  readonly refusesWrites: boolean
  readonly bypasses: readonly string[]
}

interface SeenStandby {
  readonly name: string
  readonly state: string
  readonly syncState: string
  readonly flushLsn: string | null
  readonly lagBytes: number | null
  readonly encrypted: boolean | null
}

/** `onDisk`: primary_conninfo in postgresql.auto.conf. An upstream counts as erased when neither the server nor the disk has one. */
export function toObservation(seen: SeenMember, onDisk: string | undefined): MemberObservation {
  const rule = parseSyncRule(seen.syncRule)
  return {
    role: seen.recovering ? 'standby' : 'primary',
    systemIdentifier: seen.systemIdentifier,
    versionNumber: seen.versionNumber,
    timeline: timelineOf(seen),
    checkpointTimeline: seen.controlTimeline,
    slots: seen.slots.map((slot) => ({
      name: slot.name,
      walStatus: slot.walStatus,
      ...(slot.retainedBytes === null ? {} : { retainedBytes: slot.retainedBytes }),
    })),
    // A standby has loaded it before its promotion, so that the new primary opens with it.
    syncNames: rule.names,
    syncCount: rule.count,
    ...(seen.recovering ? standbySide(seen, onDisk) : primarySide(seen, rule)),
  }
}

export function timelineOf(seen: SeenMember): number {
  const fromFiles = Number.parseInt(seen.timelineHex ?? '0', 16)
  // A primary writes one timeline; its control file still shows the old one until the first checkpoint.
  if (!seen.recovering) return fromFiles
  return Math.max(fromFiles, seen.receiverTimeline ?? 0, seen.controlTimeline)
}

function standbySide(seen: SeenMember, onDisk: string | undefined): Partial<MemberObservation> {
  return {
    ...(seen.receivedLsn === null ? {} : { receivedLsn: parseLsn(seen.receivedLsn) }),
    ...(seen.replayedLsn === null ? {} : { replayedLsn: parseLsn(seen.replayedLsn) }),
    endOfWal: seen.endOfWal,
    upstream: describeUpstream(seen.conninfo) || describeUpstream(onDisk ?? ''),
    receiving: seen.receiving,
    streaming: seen.streaming,
    bypasses: seen.bypasses,
  }
}

function primarySide(seen: SeenMember, rule: SyncRule): Partial<MemberObservation> {
  const foreign = rule.foreign === undefined ? [] : [`server: synchronous_standby_names = ${rule.foreign}`]
  return {
    ...(seen.flushLsn === null ? {} : { flushLsn: parseLsn(seen.flushLsn) }),
    standbys: (seen.standbys ?? []).map(({ name, state, syncState, flushLsn, lagBytes, encrypted }) => ({
      name,
      state,
      syncState,
      ...(flushLsn === null ? {} : { flushLsn: parseLsn(flushLsn) }),
      ...(lagBytes === null ? {} : { lagBytes }),
      ...(encrypted === null ? {} : { encrypted }),
    })),
    bypasses: [...foreign, ...seen.bypasses],
    ...(seen.refusesWrites ? { refusesWrites: true } : {}),
  }
}
