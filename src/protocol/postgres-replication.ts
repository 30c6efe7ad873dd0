import { parseLsn } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'
import type { PostgresConnection, QueryResult } from './postgres-connection.ts'
import { protocolViolation } from './protocol-violation.ts'
import { decodeReplicationMessage, encodeStandbyStatus } from './replication-message.ts'
import type { ReplicationMessage, StandbyStatus } from './replication-message.ts'

export interface SystemIdentity {
  /** 64 bits in decimal: more than a number holds. */
  readonly systemIdentifier: string
  readonly timeline: number
  /** The end of the flushed WAL (on a standby: of what it may pass on). */
  readonly flushLsn: Lsn
}

export async function identifySystem(connection: PostgresConnection): Promise<SystemIdentity> {
  const row = await oneRow(connection, 'IDENTIFY_SYSTEM', true)
  return {
    systemIdentifier: value(row, 'systemid'),
    timeline: timelineOf(value(row, 'timeline')),
    flushLsn: parseLsn(value(row, 'xlogpos')),
  }
}

export type SlotKind =
  | {
      readonly kind: 'physical'
      /** Keep WAL from now on, not only from the first connection. */ readonly reserveWal: boolean
    }
  | { readonly kind: 'logical'; readonly plugin: string; readonly snapshot?: 'export' | 'use' | 'nothing' }

export interface CreatedSlot {
  readonly name: string
  /** Where a stream from this slot can start; absent for a physical slot. */
  readonly consistentPoint?: Lsn
  readonly snapshotName?: string
}

/** `temporary`: the slot goes with this connection. A permanent slot that nobody reads fills the server's disk. */
export async function createReplicationSlot(
  connection: PostgresConnection,
  name: string,
  slot: SlotKind & { readonly temporary: boolean },
): Promise<CreatedSlot> {
  const kind =
    slot.kind === 'physical'
      ? `PHYSICAL (RESERVE_WAL ${slot.reserveWal})`
      : `LOGICAL ${identifier(slot.plugin)} (SNAPSHOT ${literal(slot.snapshot ?? 'nothing')})`
  const temporary = slot.temporary ? 'TEMPORARY ' : ''
  const row = await oneRow(
    connection,
    `CREATE_REPLICATION_SLOT ${identifier(name)} ${temporary}${kind}`,
    false,
  )
  const point = row.get('consistent_point')
  const snapshotName = row.get('snapshot_name')
  return {
    name,
    ...(slot.kind === 'logical' && point !== undefined && point !== null
      ? { consistentPoint: parseLsn(point) }
      : {}),
    ...(snapshotName === undefined || snapshotName === null ? {} : { snapshotName }),
  }
}

/** `wait`: until nobody uses it any more, instead of failing with 55006. */
export async function dropReplicationSlot(
  connection: PostgresConnection,
  name: string,
  options: { readonly wait?: boolean } = {},
): Promise<void> {
  await connection.simpleQuery(
    `DROP_REPLICATION_SLOT ${identifier(name)}${options.wait === true ? ' WAIT' : ''}`,
  )
}

export interface PhysicalSlot {
  /** WAL from here on is kept; absent when nothing is kept yet, or any more (`wal_status = lost`). */
  readonly restartLsn?: Lsn
  readonly restartTimeline?: number
}

/** `undefined` when there is no such slot. */
export async function readPhysicalSlot(
  connection: PostgresConnection,
  name: string,
): Promise<PhysicalSlot | undefined> {
  const row = await oneRow(connection, `READ_REPLICATION_SLOT ${identifier(name)}`, true)
  if ((row.get('slot_type') ?? null) === null) return undefined
  const lsn = row.get('restart_lsn') ?? null
  const timeline = row.get('restart_tli') ?? null
  return {
    ...(lsn === null ? {} : { restartLsn: parseLsn(lsn) }),
    ...(timeline === null ? {} : { restartTimeline: timelineOf(timeline) }),
  }
}

/** The history file of a timeline above 1, verbatim: recovery needs it beside the WAL. */
export async function timelineHistory(
  connection: PostgresConnection,
  timeline: number,
): Promise<{ readonly fileName: string; readonly content: string }> {
  const row = await oneRow(connection, `TIMELINE_HISTORY ${timeline}`, true)
  return { fileName: value(row, 'filename'), content: value(row, 'content') }
}

/** A run-time setting, also on a physical replication connection. */
export async function showSetting(connection: PostgresConnection, name: string): Promise<string> {
  const row = await oneRow(connection, `SHOW ${identifier(name)}`, true)
  return value(row, name)
}

/** The timeline that follows, when the server has left the one that was streamed. */
export interface NextTimeline {
  readonly timeline: number
  readonly start: Lsn
}

export interface ReplicationStream {
  /** Ends when the server ended its side (the timeline is over). Call `finish` then. */
  readonly messages: AsyncIterable<ReplicationMessage>
  /** May be called while `messages` is being read. */
  sendStatus(status: StandbyStatus): Promise<void>
  /** Ends the stream from our side; the connection serves queries again. */
  finish(): Promise<NextTimeline | undefined>
}

/** `start` has to be the first byte of a WAL segment when segments are stored: the server sends from there, not before. */
export async function startPhysicalReplication(
  connection: PostgresConnection,
  options: { readonly start: Lsn; readonly timeline: number; readonly slot?: string },
): Promise<ReplicationStream> {
  const slot = options.slot === undefined ? '' : `SLOT ${identifier(options.slot)} `
  return startStream(
    connection,
    `START_REPLICATION ${slot}PHYSICAL ${options.start} TIMELINE ${options.timeline}`,
  )
}

/** `wal` messages carry what the output plugin wrote, not WAL. Needs a connection with `replication: 'logical'`. */
export async function startLogicalReplication(
  connection: PostgresConnection,
  options: {
    readonly start: Lsn
    readonly slot: string
    readonly pluginOptions: Readonly<Record<string, string>>
  },
): Promise<ReplicationStream> {
  const pluginOptions = Object.entries(options.pluginOptions)
    .map(([name, text]) => `${identifier(name)} ${literal(text)}`)
    .join(', ')
  const suffix = pluginOptions === '' ? '' : ` (${pluginOptions})`
  return startStream(
    connection,
    `START_REPLICATION SLOT ${identifier(options.slot)} LOGICAL ${options.start}${suffix}`,
  )
}

async function startStream(connection: PostgresConnection, command: string): Promise<ReplicationStream> {
  const copy = await connection.copyBoth(command)
  return {
    messages: {
      async *[Symbol.asyncIterator]() {
        for (let bytes = await copy.read(); bytes !== undefined; bytes = await copy.read()) {
          yield decodeReplicationMessage(bytes)
        }
      },
    },
    sendStatus: (status) => copy.write(encodeStandbyStatus(status)),
    async finish() {
      const row = (await copy.finish()).map(firstRow).find((candidate) => candidate?.has('next_tli') === true)
      if (row === undefined) return undefined
      return {
        timeline: timelineOf(value(row, 'next_tli')),
        start: parseLsn(value(row, 'next_tli_startpos')),
      }
    },
  }
}

export type Row = ReadonlyMap<string, string | null>

export function firstRow(result: QueryResult): Row | undefined {
  const values = result.rows[0]
  return values && new Map(result.columns.map((column, index) => [column, values[index] ?? null]))
}

/** A column that has to be there and not null. */
export function value(row: Row, column: string): string {
  const found = row.get(column)
  if (found === undefined || found === null) throw protocolViolation(`the server sent no ${column}`)
  return found
}

export function timelineOf(text: string): number {
  const timeline = Number(text)
  if (!Number.isInteger(timeline) || timeline < 1 || timeline > 0xffff_ffff) {
    throw protocolViolation(`timeline ${JSON.stringify(text)}`)
  }
  return timeline
}

/** A quoted string of the replication grammar. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

async function oneRow(connection: PostgresConnection, command: string, repeatable: boolean): Promise<Row> {
  const results = await connection.simpleQuery(command, { repeatable })
  const row = results.map(firstRow).find((candidate) => candidate !== undefined)
  if (row === undefined) throw protocolViolation(`no answer to ${command.split(' ', 1)[0]}`)
  return row
}
