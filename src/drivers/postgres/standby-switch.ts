import type { Clock } from '../../ports/clock.ts'
import type { Upstream } from '../../ports/database-member.ts'
import { compareLsn, lsnZero, parseLsn } from '../../domain/lsn.ts'
import type { RecoveryError } from '../../domain/recovery-error.ts'
import { alterSystem } from './alter-system.ts'
import { buildConninfo } from './conninfo.ts'
import { readControlFile } from './control-file.ts'
import { waitUntil } from './deadline.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { placedTls } from './member-tls.ts'
import { seeMember, timelineOf } from './observation-query.ts'
import { outcomeUnknown, permanent, unreachable } from './postgres-failure.ts'
import type { PostgresSession } from './postgres-session.ts'
import {
  passFilePath,
  prepareSocketDirectory,
  readUpstreamOnDisk,
  writeUpstreamOnDisk,
} from './postgres-settings.ts'
import type { Postmaster } from './postmaster.ts'
import { signalProcess } from './process-table.ts'
import { divergence } from './timeline-history.ts'
import type { WalPosition } from './timeline-history.ts'
import { holdsSameWal } from './same-wal.ts'
import { withUpstream } from './upstream-view.ts'

const answerMs = 3_000
const detachMs = 5_000
/** A receiver that the startup process does not end within this is ended by signal. */
const receiverGraceMs = 300
const streamMs = 15_000
const replayMs = 15_000
/** For this long the startup process does not wait between two attempts to connect. */
const hurryMs = 2_000
/** A promotion first replays everything that was received. */
const promoteMs = 120_000

const receiverQuery = `select pid from pg_stat_activity where backend_type = 'walreceiver'`

/** After it, this standby acknowledges to nobody, now and after any restart. */
export async function detachStandby(
  clock: Clock,
  config: PostgresMemberConfig,
  session: PostgresSession,
): Promise<void> {
  await requireStandby(config.name, session)
  await alterSystem(clock, config.name, session, 'primary_conninfo', '')
  const start = clock.monotonicMs()
  let absent = 0
  const gone = await waitUntil(clock, detachMs, 20, async () => {
    const [receiver] = await session.query<{ pid: number }>(receiverQuery, [], answerMs)
    absent = receiver === undefined ? absent + 1 : 0
    // The replay may be held up by a query (max_standby_streaming_delay); until then nobody else ends the receiver.
    if (receiver !== undefined && clock.monotonicMs() - start > receiverGraceMs)
      signalProcess(receiver.pid, 'SIGTERM')
    // A last one can have been asked for just before the new setting was read: it must stay away.
    return absent >= 4 ? true : undefined
  })
  if (gone !== true) throw outcomeUnknown(config.name, 'its WAL receiver does not end')
}

/**
 * Names the upstream, on disk only when stopped, and resolves once WAL streams from there. What can not be compared first, because the
 * upstream does not answer or this standby still replays, is not named: a server that runs after another history does not say so.
 */
export async function followUpstream(
  config: PostgresMemberConfig,
  clock: Clock,
  postmaster: Postmaster,
  upstream: Upstream,
  withSession: (use: (session: PostgresSession) => Promise<void>) => Promise<void>,
): Promise<void> {
  await prepareSocketDirectory(config)
  const conninfo = buildConninfo({
    upstream,
    user: config.superuser,
    applicationName: config.name,
    ...(config.password === undefined ? {} : { passFile: passFilePath(config) }),
    ...(config.tls === undefined ? {} : { authorityFile: placedTls(config).authority }),
  })
  if ((await postmaster.find()) === undefined) return await writeUpstreamOnDisk(config, conninfo)
  await withSession(async (session) => {
    await requireStandby(config.name, session)
    if (!(await streamsFrom(session, upstream)))
      await requireCommonHistory(config, clock, upstream, await heldPosition(config.name, clock, session))
    await alterSystem(clock, config.name, session, 'primary_conninfo', conninfo)
    const start = clock.monotonicMs()
    const streaming = await waitUntil(clock, streamMs, 20, async () => {
      if (await streamsFrom(session, upstream)) return true
      if (clock.monotonicMs() - start < hurryMs) await wakeStartup(session)
      return undefined
    })
    if (streaming === true) return
    // The receiver says why only in the server's log; a session of ours meets the same, and says it here.
    await withUpstream(config, clock, upstream, async (its) => await its.view(config.systemIdentifier))
    throw unreachable(config.name, `nothing streams from ${upstream.name} yet`)
  })
}

/** Resolves when it has left recovery. Sessions that were reading go on. */
export async function promoteStandby(
  clock: Clock,
  config: PostgresMemberConfig,
  session: PostgresSession,
): Promise<void> {
  const left = async (): Promise<true | undefined> => ((await isRecovering(session)) ? undefined : true)
  if ((await left()) !== true) {
    await session.query('select pg_promote(false)', [], answerMs)
    if ((await waitUntil(clock, promoteMs, 5, left)) !== true) {
      throw outcomeUnknown(
        config.name,
        `it is still in recovery ${promoteMs} ms after it was asked to promote`,
      )
    }
  }
  // So that a later start as a standby does not run after the primary of an earlier epoch. A detached one has done it already.
  const [row] = await session.query<{ loaded: string }>(
    `select current_setting('primary_conninfo') as loaded`,
    [],
    answerMs,
  )
  if (row?.loaded === '' && (await readUpstreamOnDisk(config.dataDirectory)) === '') return
  await alterSystem(clock, config.name, session, 'primary_conninfo', '')
}

async function isRecovering(session: PostgresSession): Promise<boolean> {
  const [row] = await session.query<{ recovering: boolean }>(
    'select pg_is_in_recovery() as recovering',
    [],
    answerMs,
  )
  return row?.recovering !== false
}

/** A primary is not made a standby by changing its settings. */
async function requireStandby(member: string, session: PostgresSession): Promise<void> {
  if (!(await isRecovering(session))) throw notStandby(member)
}

/**
 * Where all the WAL that it has ends, not only what it has replayed: the rest may be what no other member has. A receiver is asked for only
 * after that end was reached, so from then on the received position tells it.
 */
async function heldPosition(member: string, clock: Clock, session: PostgresSession): Promise<WalPosition> {
  let replayed = lsnZero
  const end = await waitUntil(clock, replayMs, 50, async () => {
    const seen = await seeMember(session, answerMs)
    if (seen?.recovering !== true) throw notStandby(member)
    replayed = parseLsn(seen.replayedLsn ?? lsnZero)
    if (!seen.endOfWal && seen.receivedLsn === null) return undefined
    const received = parseLsn(seen.receivedLsn ?? lsnZero)
    return { timeline: timelineOf(seen), lsn: compareLsn(received, replayed) > 0 ? received : replayed }
  })
  if (end !== undefined) return end
  throw unreachable(
    member,
    `it still replays its own WAL, at ${replayed}: nobody knows yet whom it may follow`,
  )
}

function notStandby(member: string): RecoveryError {
  const hint = 'stop it and start it as a standby: `pointzero run switchover`'
  return permanent('PG_NOT_A_STANDBY', `${member} is not a standby`, hint)
}

/** A diverged standby would ask for WAL for ever; an upstream of another cluster is refused before it is named. */
async function requireCommonHistory(
  config: PostgresMemberConfig,
  clock: Clock,
  upstream: Upstream,
  position: WalPosition,
): Promise<void> {
  const own = await readControlFile(config.dataDirectory)
  const diverged = await withUpstream(config, clock, upstream, async (its) => {
    const view = await its.view(config.systemIdentifier ?? own?.systemIdentifier)
    const byNumbers = divergence(position, view.position, view.ancestors)
    if (byNumbers !== undefined) return byNumbers
    const timelines = [...view.ancestors.map(({ timeline }) => timeline), view.position.timeline]
    const digestOf = async (name: string, length: number): Promise<string | undefined> =>
      await its.digestOfWal(name, length)
    const same = await holdsSameWal(config.dataDirectory, position, timelines, digestOf)
    return same ? undefined : 'its newest WAL is not what the upstream holds there'
  })
  if (diverged === undefined) return
  throw permanent('PG_DIVERGED', `${config.name}: ${diverged}`, 'stop it and let it rejoin (rewind or clone)')
}

/**
 * Between two attempts to connect, and once more where the upstream's timeline begins, the startup process waits for
 * wal_retrieve_retry_interval; the signal that makes it read its settings again ends the wait.
 */
async function wakeStartup(session: PostgresSession): Promise<void> {
  const [waiting] = await session.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where backend_type = 'startup' and wait_event = 'RecoveryRetrieveRetryInterval'`,
    [],
    answerMs,
  )
  if (waiting !== undefined) signalProcess(waiting.pid, 'SIGHUP')
}

async function streamsFrom(session: PostgresSession, upstream: Upstream): Promise<boolean> {
  const rows = await session.query(
    `select from pg_stat_wal_receiver where status = 'streaming' and sender_host = $1 and sender_port = $2`,
    [upstream.address, upstream.port],
    answerMs,
  )
  return rows.length > 0
}
