import { RecoveryError } from '../domain/recovery-error.ts'
import { parseLsn } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'
import type { RestoreTarget } from '../ports/restore-target.ts'
import { checkAgainstManifest, parseBackupManifest } from './backup-manifest.ts'
import { streamBaseBackup } from './base-backup-stream.ts'
import type { BackedUpTablespace, BaseBackupEvent, BaseBackupOptions } from './base-backup-stream.ts'
import { CloneWriter, controlFile } from './clone-writer.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import { joinBytes } from './postgres-message.ts'
import { createReplicationSlot, identifySystem } from './postgres-replication.ts'
import { PostgresServerError } from './postgres-server-error.ts'
import { protocolViolation } from './protocol-violation.ts'
import { TarReader } from './tar-reader.ts'
import { checkWalSegments } from './wal-segment-head.ts'
import { viewOf } from './view-of.ts'

export interface CloneOptions {
  readonly label: string
  readonly checkpoint: BaseBackupOptions['checkpoint']
  readonly maxRateKibPerSecond?: number
  /** When given, another database system is refused (PG_IDENTITY) before anything is written. */
  readonly expectedSystemIdentifier?: string
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly estimatedBytes: number }) => void
}

export interface ClonedBackup {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly startLsn: Lsn
  /** Replayed to here, the copy is consistent; its pg_wal holds what that takes. */
  readonly endLsn: Lsn
  readonly bytes: number
  readonly files: number
  /** False when no slot was free: the server might have recycled WAL under the copy, which then would have failed. */
  readonly walHeldBySlot: boolean
}

/**
 * Copies a running server into an empty target. When it resolves, every byte was compared with the server's manifest and is durable,
 * and the copy starts as it stands. When it fails, the target has no pg_control, so nothing can start from it, and the
 * connection is closed. Needs a connection of its own with `replication`.
 */
export async function cloneBaseBackup(
  connection: PostgresConnection,
  target: RestoreTarget,
  options: CloneOptions,
): Promise<ClonedBackup> {
  const { systemIdentifier } = await identifySystem(connection)
  checkIdentity(systemIdentifier, options.expectedSystemIdentifier)
  await target.claim()
  const walHeldBySlot = await holdWal(connection)
  const writer = new CloneWriter(target)
  try {
    const received = await receive(connection, writer, options)
    const manifest = parseBackupManifest(received.manifest)
    checkAgainstManifest(manifest, writer.received)
    checkIdentity(manifest.systemIdentifier ?? systemIdentifier, systemIdentifier)
    const { start, end } = received
    checkLabel(writer.held.get('backup_label'), start)
    const control = checkControl(writer.held.get(controlFile), systemIdentifier)
    checkWalSegments(writer.segments, { start: start.lsn, end: end.lsn, systemIdentifier })
    await writer.writeWhole('backup_manifest', received.manifest)
    await writer.sync()
    await writer.writeWhole(`${controlFile}.partial`, control)
    await target.rename(`${controlFile}.partial`, controlFile)
    await target.syncDirectory('global')
    return {
      systemIdentifier,
      timeline: end.timeline,
      startLsn: start.lsn,
      endLsn: end.lsn,
      bytes: writer.writtenBytes,
      files: writer.received.size,
      walHeldBySlot,
    }
  } catch (error) {
    connection.close()
    await writer.abandon()
    throw writer.started ? incomplete(target, error) : error
  }
}

type StartEvent = Extract<BaseBackupEvent, { kind: 'start' }>
type EndEvent = Extract<BaseBackupEvent, { kind: 'end' }>

async function receive(connection: PostgresConnection, writer: CloneWriter, options: CloneOptions) {
  const { label, checkpoint, maxRateKibPerSecond } = options
  const rate = maxRateKibPerSecond === undefined ? {} : { maxRateKibPerSecond }
  let start: StartEvent | undefined
  let end: EndEvent | undefined
  let archive: TarReader | undefined
  const manifest: Uint8Array[] = []
  for await (const event of streamBaseBackup(connection, { label, checkpoint, includeWal: true, ...rate })) {
    if (event.kind === 'start') {
      refuseTablespaces(event.tablespaces)
      start = event
    } else if (event.kind === 'archive') {
      if (archive !== undefined || event.location !== '') throw protocolViolation('a second archive')
      archive = new TarReader({ allowTablespaceLinks: false })
    } else if (event.kind === 'manifest') {
      archive?.finish()
      archive = undefined
    } else if (event.kind === 'data') {
      if (archive === undefined) manifest.push(event.bytes.slice())
      else for (const entry of archive.push(event.bytes)) await writer.apply(entry)
    } else if (event.kind === 'end') end = event
    else options.onProgress?.({ doneBytes: event.doneBytes, estimatedBytes: estimate(start) })
  }
  if (start === undefined || end === undefined) throw protocolViolation('a base backup without start or end')
  if (archive !== undefined || manifest.length === 0)
    throw protocolViolation('a base backup without a manifest')
  return { start, end, manifest: joinBytes(manifest) }
}

function estimate(start: StartEvent | undefined): number {
  return (start?.tablespaces ?? []).reduce((total, tablespace) => total + tablespace.estimatedBytes, 0)
}

/**
 * A temporary slot keeps the server from recycling WAL that the copy needs. Without a free one the copy is tried nevertheless:
 * should WAL be missing in the end, the server or `checkWalSegments` says so.
 */
async function holdWal(connection: PostgresConnection): Promise<boolean> {
  const name = `pointzero_clone_${connection.processId}`
  try {
    await createReplicationSlot(connection, name, { kind: 'physical', reserveWal: true, temporary: true })
    return true
  } catch (error) {
    if (error instanceof PostgresServerError && error.sqlstate === '53400') return false
    throw error
  }
}

function checkIdentity(found: string, expected: string | undefined): void {
  if (expected === undefined || found === expected) return
  throw new RecoveryError({
    code: 'PG_IDENTITY',
    class: 'refused',
    message: `this is database system ${found}, ${expected} was expected`,
    hint: 'check address and port: `psql "host=… replication=true" -c IDENTIFY_SYSTEM`',
    context: { found, expected },
  })
}

/** Without backup_label PostgreSQL would start from the wrong checkpoint, exit 0 and miss rows. */
function checkLabel(content: Uint8Array | undefined, start: StartEvent): void {
  const location = /^START WAL LOCATION: ([0-9A-F/]+) /m.exec(new TextDecoder().decode(content))?.[1]
  if (location !== undefined && parseLsn(location) === start.lsn) return
  throw protocolViolation('backup_label is missing or names another start')
}

function checkControl(content: Uint8Array | undefined, systemIdentifier: string): Uint8Array {
  if (content === undefined || content.length < 8) throw protocolViolation('there is no pg_control')
  const view = viewOf(content)
  if (view.getBigUint64(0, true).toString() === systemIdentifier) return content
  throw protocolViolation('pg_control belongs to another database system')
}

function refuseTablespaces(tablespaces: readonly BackedUpTablespace[]): void {
  const outside = tablespaces.filter((tablespace) => tablespace.oid !== undefined)
  if (outside.length === 0) return
  const names = outside.map((tablespace) => `${tablespace.oid} at ${tablespace.location ?? 'pg_tblspc'}`)
  throw new RecoveryError({
    code: 'PG_TABLESPACES_UNSUPPORTED',
    class: 'refused',
    message: `tablespaces outside the data directory are not copied: ${names.join(', ')}`,
    hint: 'move their tables (`alter table all in tablespace … set tablespace pg_default`), or use `pg_basebackup --tablespace-mapping`',
  })
}

function incomplete(target: RestoreTarget, cause: unknown): RecoveryError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new RecoveryError({
    code: 'PG_CLONE_INCOMPLETE',
    class: 'permanent',
    message: `${target.name} is an unusable, incomplete copy without pg_control: ${why}`,
    hint: `remove it (\`rm -r ${target.name}\`) and take the copy again${cause instanceof RecoveryError ? `; first: ${cause.hint}` : ''}`,
    cause,
    context: { target: target.name },
  })
}
