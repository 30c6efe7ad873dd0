import { RecoveryError } from '../domain/recovery-error.ts'
import { parseLsn } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'
import { ByteReader } from './byte-reader.ts'
import type { PostgresConnection, QueryEvent } from './postgres-connection.ts'
import { literal, timelineOf, value } from './postgres-replication.ts'
import type { Row } from './postgres-replication.ts'
import { protocolViolation } from './protocol-violation.ts'

export interface BaseBackupOptions {
  readonly label: string
  /** `fast` starts at once and writes all dirty pages as quickly as it can; `spread` follows checkpoint_completion_target. */
  readonly checkpoint: 'fast' | 'spread'
  /** Put the WAL that the backup needs into its pg_wal, so that it starts without an archive. */
  readonly includeWal: boolean
  /** Throttles the server, 32 to 1048576 KiB per second. */
  readonly maxRateKibPerSecond?: number
}

export interface BackedUpTablespace {
  /** `undefined` for the main data directory. */
  readonly oid: string | undefined
  readonly location: string | undefined
  readonly estimatedBytes: number
}

export type BaseBackupEvent =
  | {
      readonly kind: 'start'
      readonly lsn: Lsn
      readonly timeline: number
      readonly tablespaces: readonly BackedUpTablespace[]
    }
  /** A tar follows; an empty `location` is the main data directory. */
  | { readonly kind: 'archive'; readonly name: string; readonly location: string }
  /** backup_manifest follows. */
  | { readonly kind: 'manifest' }
  /** A piece of the archive or manifest that was announced last. Good until the next event is asked for. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'progress'; readonly doneBytes: number }
  /** WAL up to here is needed before the copy is consistent. */
  | { readonly kind: 'end'; readonly lsn: Lsn; readonly timeline: number }

/**
 * A base backup as the server sends it (PostgreSQL 15 and newer), with a manifest of SHA-256 sums.
 * The stream is complete only after `end` and the end of the iteration without an error.
 */
export async function* streamBaseBackup(
  connection: PostgresConnection,
  options: BaseBackupOptions,
): AsyncGenerator<BaseBackupEvent, void, undefined> {
  if (connection.majorVersion < 15) throw tooOld(connection.parameters.get('server_version') ?? 'unknown')
  let columns: readonly string[] = []
  let position: Row | undefined
  let tablespaces: BackedUpTablespace[] = []
  let copied = false
  let ended = false
  for await (const event of connection.events(baseBackupCommand(options))) {
    if (event.kind === 'columns') columns = event.names
    else if (event.kind === 'row') {
      const row: Row = new Map(columns.map((column, index) => [column, event.values[index] ?? null]))
      if (row.has('spcoid')) tablespaces = [...tablespaces, tablespaceOf(row)]
      else if (copied) {
        yield { kind: 'end', ...positionOf(row) }
        ended = true
      } else position = row
    } else if (event.kind === 'copy-out') {
      if (position === undefined) throw protocolViolation('a base backup without a start position')
      yield { kind: 'start', ...positionOf(position), tablespaces }
    } else if (event.kind === 'copy-done') copied = true
    else yield* payload(event)
  }
  if (!ended) throw protocolViolation('a base backup without an end position')
}

function baseBackupCommand(options: BaseBackupOptions): string {
  const parts = [
    `LABEL ${literal(options.label)}`,
    `CHECKPOINT '${options.checkpoint}'`,
    `WAL ${options.includeWal}`,
    "MANIFEST 'yes'",
    "MANIFEST_CHECKSUMS 'SHA256'",
    'PROGRESS',
    ...(options.maxRateKibPerSecond === undefined ? [] : [`MAX_RATE ${options.maxRateKibPerSecond}`]),
  ]
  return `BASE_BACKUP (${parts.join(', ')})`
}

function* payload(event: QueryEvent): Generator<BaseBackupEvent, void, undefined> {
  if (event.kind !== 'copy-data') return
  const reader = new ByteReader(event.bytes)
  const type = String.fromCharCode(reader.uint8())
  if (type === 'd') yield { kind: 'data', bytes: reader.rest() }
  else if (type === 'n') yield { kind: 'archive', name: reader.cString(), location: reader.cString() }
  else if (type === 'm') yield { kind: 'manifest' }
  else if (type === 'p') yield { kind: 'progress', doneBytes: Number(reader.int64()) }
  else throw protocolViolation(`unknown base backup message ${JSON.stringify(type)}`)
}

function positionOf(row: Row): { readonly lsn: Lsn; readonly timeline: number } {
  return { lsn: parseLsn(value(row, 'recptr')), timeline: timelineOf(value(row, 'tli')) }
}

function tablespaceOf(row: Row): BackedUpTablespace {
  return {
    oid: row.get('spcoid') ?? undefined,
    location: row.get('spclocation') ?? undefined,
    estimatedBytes: Number(row.get('size') ?? 0) * 1024,
  }
}

function tooOld(version: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_VERSION_UNSUPPORTED',
    class: 'permanent',
    message: `PostgreSQL ${version} can not be backed up: 15 or newer is needed`,
    hint: 'upgrade the server: `pg_upgrade --check`',
  })
}
