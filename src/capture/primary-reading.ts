import { parseLsn } from '../domain/lsn.ts'
import type { PostgresConnection } from '../protocol/postgres-connection.ts'
import { firstRow } from '../protocol/postgres-replication.ts'
import type { PrimaryReading } from './capture-state.ts'
import { positionOf } from './wal-position.ts'

/** Asks the primary about its receiver. Needs pg_monitor, or sees only that it is connected. */
export async function readPrimary(
  connection: PostgresConnection,
  {
    applicationName,
    slot,
    atMs,
  }: { readonly applicationName: string; readonly slot?: string; readonly atMs: number },
): Promise<PrimaryReading> {
  const name = quoted(applicationName)
  const results = await connection.simpleQuery(
    `select (select sync_state from pg_stat_replication where application_name = ${name} and state = 'streaming' limit 1) as sync_state,
            s.wal_status,
            (pg_current_wal_lsn() - s.restart_lsn)::bigint as retained,
            current_setting('synchronous_commit') as synchronous_commit,
            pg_current_wal_flush_lsn() as wal_end
       from (select 1) one left join pg_replication_slots s on s.slot_name = ${quoted(slot ?? '')}`,
    { repeatable: true },
  )
  const row = results.map(firstRow)[0]
  const syncState = row?.get('sync_state') ?? undefined
  const slotStatus = row?.get('wal_status') ?? undefined
  const retained = row?.get('retained') ?? undefined
  const walEnd = row?.get('wal_end') ?? undefined
  return {
    atMs,
    ...(walEnd === undefined ? {} : { walEnd: positionOf(parseLsn(walEnd)) }),
    ...(syncState === undefined ? {} : { syncState }),
    ...(slotStatus === undefined ? {} : { slotStatus }),
    ...(retained === undefined ? {} : { slotRetainedBytes: Number(retained) }),
    waitsForApply:
      row?.get('synchronous_commit') === 'remote_apply' && syncState !== undefined && syncState !== 'async',
  }
}

/** A string of SQL with standard_conforming_strings, which is on unless somebody turned it off. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
