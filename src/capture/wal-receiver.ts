import { RecoveryError, toErrorRecord } from '../domain/recovery-error.ts'
import type { ArchiveDirectory } from '../ports/archive-directory.ts'
import type { Clock } from '../ports/clock.ts'
import type { PostgresConnection } from '../protocol/postgres-connection.ts'
import { PostgresServerError } from '../protocol/postgres-server-error.ts'
import { showSetting, startPhysicalReplication, timelineHistory } from '../protocol/postgres-replication.ts'
import type { SystemIdentity } from '../protocol/postgres-replication.ts'
import { archiveEnds } from './archive-end.ts'
import type { TimelineEnd } from './archive-end.ts'
import {
  archiveFormat,
  encode,
  readHistories,
  readIdentity,
  walFolder,
  writeDurably,
  writeIdentity,
} from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import type { CaptureEvent } from './capture-event.ts'
import { receiveTimeline } from './receive-timeline.ts'
import type { ReceiveOptions } from './receive-timeline.ts'
import { readySlot } from './receiver-slot.ts'
import type { SlotOptions } from './receiver-slot.ts'
import { choosePrimary } from './primary-choice.ts'
import { startPosition } from './start-position.ts'
import type { StartPosition } from './start-position.ts'
import { lineageOf, parseHistory } from './timeline-lineage.ts'
import type { TimelineHistories } from './timeline-lineage.ts'
import { historyName, lsnOf, positionOf, segmentStart } from './wal-position.ts'
import { WalWriter } from './wal-writer.ts'

export interface ReceiverPorts {
  readonly clock: Clock
  readonly archive: ArchiveDirectory
  /** Physical replication connections to every place where the primary may be, by name. */
  readonly sources: readonly ReceiverSource[]
}

export interface ReceiverSource {
  readonly name: string
  /** The connection, or the attempt, ends with `signal`. */
  connect(signal: AbortSignal): Promise<PostgresConnection>
}

export interface ReceiverOptions extends ReceiveOptions, SlotOptions {
  /** Bind to this database; otherwise to the one that is met first, for ever. */
  readonly systemIdentifier?: string
  readonly retryMs: number
  readonly refusedRetryMs: number
  readonly progressIntervalMs: number
}

/** Receives for ever, whatever restarts; ends when `signal` is aborted. Only a bug or a broken archive makes it throw. */
export async function receiveWal(
  ports: ReceiverPorts,
  options: ReceiverOptions,
  report: (event: CaptureEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let missing: number | undefined
  while (!signal.aborted) {
    const session = new Session(ports, options, report, signal)
    try {
      await session.run(missing)
      missing = undefined
    } catch (error) {
      if (signal.aborted) return
      missing = isMissingWal(error) ? session.start : undefined
      reportFailure(error, report)
      await pause(ports.clock, isRefused(error) ? options.refusedRetryMs : options.retryMs, signal)
    }
  }
}

function reportFailure(error: unknown, report: (event: CaptureEvent) => void): void {
  if (!(error instanceof RecoveryError) || error.class === 'bug') throw error
  if (error.code === 'WAL_CONFLICT') {
    const { segment, position, path, sha256 } = error.context as Readonly<Record<string, string>>
    report({
      kind: 'conflict',
      segment: String(segment),
      position: String(position),
      path: String(path),
      sha256: String(sha256),
    })
  }
  report({ kind: 'interrupted', error: toErrorRecord(error) })
}

/** One connection to the primary, through as many timelines as it has. */
class Session {
  readonly #ports: ReceiverPorts
  readonly #options: ReceiverOptions
  readonly #report: (event: CaptureEvent) => void
  readonly #signal: AbortSignal
  /** Where the stream began: what is missing when the server has it no more. */
  start: number | undefined

  constructor(
    ports: ReceiverPorts,
    options: ReceiverOptions,
    report: (event: CaptureEvent) => void,
    signal: AbortSignal,
  ) {
    this.#ports = ports
    this.#options = options
    this.#report = report
    this.#signal = signal
  }

  /** `missing`: WAL from this position on is gone from the server, so that receiving goes on after a hole. */
  async run(missing: number | undefined): Promise<void> {
    const { archive, sources } = this.#ports
    const bound = await readIdentity(archive)
    const held =
      bound === undefined ? new Map<number, TimelineEnd>() : await archiveEnds(archive, bound.segmentBytes)
    const primary = await choosePrimary(sources, Math.max(0, ...held.keys()), this.#ports.clock, this.#signal)
    const close = (): void => primary.connection.close()
    this.#signal.addEventListener('abort', close, { once: true })
    try {
      // Stopped while it was looking for the primary: nobody hears of an abort that has been.
      this.#signal.throwIfAborted()
      const { connection, identity } = primary
      const archiveIdentity = bound ?? (await this.#bind(connection, identity))
      this.#requireSame(archiveIdentity, identity)
      const histories = await this.#fetchHistories(connection, identity.timeline)
      const slot = await readySlot(connection, this.#options, this.#report)
      const { segmentBytes } = archiveIdentity
      const fallback = slot ?? identity.flushLsn
      const lineage = lineageOf(identity.timeline, histories)
      if (lineage === undefined) throw historyAbsent(identity.timeline)
      const view = { timeline: identity.timeline, flushed: positionOf(identity.flushLsn), lineage }
      const fresh: StartPosition = {
        timeline: identity.timeline,
        start: segmentStart(positionOf(fallback), segmentBytes),
        heldUntil: held.get(identity.timeline)?.receivedTo ?? 0,
      }
      const known = startPosition(held, view, segmentBytes)
      const at = known === undefined || missing !== undefined ? fresh : known
      if (missing !== undefined || (known === undefined && held.size > 0))
        this.#report({ kind: 'gap', timeline: at.timeline, from: missing ?? 0, to: at.start })
      await this.#follow(connection, primary.source, archiveIdentity, at)
    } finally {
      this.#signal.removeEventListener('abort', close)
      close()
    }
  }

  async #follow(
    connection: PostgresConnection,
    source: string,
    { segmentBytes }: ArchiveIdentity,
    first: StartPosition,
  ): Promise<void> {
    const { archive, clock } = this.#ports
    // The process before may have ended between a rename and its sync: what begins to be acknowledged here lies in those files.
    await archive.syncFolder(walFolder)
    for (let at = first; ;) {
      this.start = at.start
      const { timeline } = at
      const { slot } = this.#options
      const stream = await startPhysicalReplication(connection, {
        start: lsnOf(at.start),
        timeline,
        ...(slot === undefined ? {} : { slot }),
      })
      this.#report({ kind: 'connected', source, timeline, start: at.start, major: connection.majorVersion })
      const onSegment = (name: string): void => this.#report({ kind: 'segment', name })
      const writer = new WalWriter(archive, { ...at, segmentBytes, onSegment })
      let newest: CaptureEvent | undefined
      const take = (): CaptureEvent | undefined => {
        const event = newest
        newest = undefined
        return event
      }
      const over = new AbortController()
      const pump = this.#pump(take, over.signal)
      let next
      try {
        next = await receiveTimeline(clock, stream, writer, this.#options, (progress) => {
          newest = { kind: 'progress', timeline, ...progress }
        })
      } finally {
        over.abort()
        await pump
        await writer.close()
      }
      if (next === undefined) return
      const fork = positionOf(next.start)
      await this.#fetchHistories(connection, next.timeline)
      this.#report({ kind: 'timeline-left', timeline, next: next.timeline, at: fork })
      const ends = await archiveEnds(archive, segmentBytes)
      at = {
        timeline: next.timeline,
        start: segmentStart(fork, segmentBytes),
        heldUntil: ends.get(next.timeline)?.receivedTo ?? 0,
      }
    }
  }

  async #bind(connection: PostgresConnection, identity: SystemIdentity): Promise<ArchiveIdentity> {
    const size = await showSetting(connection, 'wal_segment_size')
    const bound = {
      format: archiveFormat,
      systemIdentifier: this.#options.systemIdentifier ?? identity.systemIdentifier,
      segmentBytes: parseSegmentSize(size),
    } as const
    this.#requireSame(bound, identity)
    await writeIdentity(this.#ports.archive, bound)
    return bound
  }

  #requireSame(bound: ArchiveIdentity, identity: SystemIdentity): void {
    if (bound.systemIdentifier === identity.systemIdentifier) return
    throw new RecoveryError({
      code: 'CAPTURE_OTHER_SYSTEM',
      class: 'refused',
      message: `the server is database system ${identity.systemIdentifier}, the archive is of ${bound.systemIdentifier}`,
      hint: 'correct the addresses in the capture configuration, or name another archive directory',
    })
  }

  /** Stores the history files on the way to `timeline`; one that differs from the stored one is another history (T09). */
  async #fetchHistories(connection: PostgresConnection, timeline: number): Promise<TimelineHistories> {
    const { archive } = this.#ports
    const histories = await readHistories(archive)
    if (timeline === 1) return histories
    const ancestors = parseHistory((await timelineHistory(connection, timeline)).content)
    for (const wanted of [...ancestors.map((part) => part.timeline), timeline].filter((one) => one > 1)) {
      const { content } = await timelineHistory(connection, wanted)
      const held = histories.get(wanted)
      if (held !== undefined && held !== content) throw historyConflict(wanted)
      if (held === undefined)
        await writeDurably(archive, `${walFolder}/${historyName(wanted)}`, encode(content))
      histories.set(wanted, content)
      this.#report({ kind: 'history', timeline: wanted })
    }
    return histories
  }

  /** Hands the newest progress on, no more often than the process around it can use. */
  async #pump(newest: () => CaptureEvent | undefined, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#ports.clock, this.#options.progressIntervalMs, signal)
      const event = newest()
      if (event !== undefined) this.#report(event)
    }
  }
}

function isMissingWal(error: unknown): boolean {
  return error instanceof PostgresServerError && error.sqlstate === '58P01'
}

function isRefused(error: unknown): boolean {
  return error instanceof RecoveryError && error.class !== 'transient'
}

async function pause(clock: Clock, durationMs: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(durationMs, signal).catch(() => undefined)
}

/** As the server shows it: `16MB`, `1GB`. */
function parseSegmentSize(text: string): number {
  const [, number, unit] = /^(\d+)(MB|GB)$/.exec(text) ?? []
  return Number(number) * (unit === 'GB' ? 1 << 30 : 1 << 20)
}

function historyAbsent(timeline: number): RecoveryError {
  return new RecoveryError({
    code: 'CAPTURE_HISTORY_ABSENT',
    class: 'transient',
    message: `the server has no history of timeline ${timeline}`,
    hint: 'look for its .history file in pg_wal',
  })
}

function historyConflict(timeline: number): RecoveryError {
  return new RecoveryError({
    code: 'CAPTURE_HISTORY_CONFLICT',
    class: 'refused',
    message: `the server's timeline ${timeline} is another one than the archive's: their history files differ`,
    hint: 'two servers were promoted with one timeline number: capture the other history into an archive of its own',
    context: { timeline },
  })
}
