import type { Lsn } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { PostgresConnection } from '../protocol/postgres-connection.ts'
import {
  createReplicationSlot,
  dropReplicationSlot,
  readPhysicalSlot,
  showSetting,
} from '../protocol/postgres-replication.ts'
import type { CaptureEvent } from './capture-event.ts'

export interface SlotOptions {
  /** Absent: the server keeps only wal_keep_size, and an interruption may leave a hole. */
  readonly slot?: string
  /** Take a slot even where max_slot_wal_keep_size is -1, so that an interruption may fill the server's disk. */
  readonly allowUnlimitedSlot: boolean
}

/**
 * Makes the slot when it is missing and returns from where on the server keeps WAL. A slot without a limit is refused: when nobody reads
 * it, it fills the primary's disk (T14). One that the server gave up is made anew; what it lost is reported when it is asked for.
 */
export async function readySlot(
  connection: PostgresConnection,
  { slot, allowUnlimitedSlot }: SlotOptions,
  report: (event: CaptureEvent) => void,
): Promise<Lsn | undefined> {
  const limit = parseKeepSize(await showSetting(connection, 'max_slot_wal_keep_size'))
  report({ kind: 'slot-limit', ...(limit === undefined ? {} : { bytes: limit }) })
  if (slot === undefined) return undefined
  if (limit === undefined && !allowUnlimitedSlot) throw unlimited()
  const found = await readPhysicalSlot(connection, slot)
  if (found?.restartLsn !== undefined) return found.restartLsn
  if (found !== undefined) await dropReplicationSlot(connection, slot)
  await createReplicationSlot(connection, slot, { kind: 'physical', reserveWal: true, temporary: false })
  return (await readPhysicalSlot(connection, slot))?.restartLsn
}

const unitBytes: Readonly<Record<string, number>> = { kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }

/** As the server shows it: `-1`, `10GB`; a bare number counts megabytes. */
export function parseKeepSize(text: string): number | undefined {
  const [, number, unit] = /^(-?\d+)(kB|MB|GB|TB)?$/.exec(text) ?? []
  if (number === undefined || Number(number) < 0) return undefined
  return Number(number) * (unitBytes[unit ?? 'MB'] as number)
}

function unlimited(): RecoveryError {
  return new RecoveryError({
    code: 'CAPTURE_SLOT_UNLIMITED',
    class: 'refused',
    message:
      'max_slot_wal_keep_size is -1: a replication slot would keep WAL until the disk of the primary is full',
    hint: "on the primary: `alter system set max_slot_wal_keep_size = '10GB'` (half of what is free), `select pg_reload_conf()`",
  })
}
