import type { Clock } from '../../ports/clock.ts'
import type { MemberObservation } from '../../ports/database-member.ts'
import { readControlFile } from './control-file.ts'
import { withDeadline } from './deadline.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { seeMember, toObservation } from './observation-query.ts'
import { sqlStateOf, unreachable } from './postgres-failure.ts'
import { PostgresSession } from './postgres-session.ts'
import type { SessionTarget } from './postgres-session.ts'
import { readUpstreamOnDisk } from './postgres-settings.ts'
import type { Postmaster } from './postmaster.ts'
import { walRecordEnd } from './wal-record-end.ts'

/** A frozen server answers nothing; whoever asks must know soon. */
const observeMs = 1_000

/** Reads a member over one connection that it keeps, so that a server without free connections can still be seen. */
export class MemberObserver {
  readonly #config: PostgresMemberConfig
  readonly #clock: Clock
  readonly #postmaster: Postmaster
  readonly #target: SessionTarget
  #session: PostgresSession | undefined
  #reading: Promise<MemberObservation> | undefined

  constructor(config: PostgresMemberConfig, clock: Clock, postmaster: Postmaster, target: SessionTarget) {
    this.#config = config
    this.#clock = clock
    this.#postmaster = postmaster
    this.#target = target
  }

  /** Never throws, never takes much longer than a second. */
  async observe(): Promise<MemberObservation> {
    const late = (): Error => unreachable(this.#config.name, `no answer within ${observeMs} ms`)
    try {
      return await withDeadline(this.#clock, observeMs, this.#read(), late)
    } catch {
      this.close()
      return { role: 'unknown' }
    }
  }

  close(): void {
    this.#session?.close()
    this.#session = undefined
    this.#reading = undefined
  }

  /** One statement at a time on the connection; but nobody gets an answer that was asked for before the question. */
  async #read(): Promise<MemberObservation> {
    const before = this.#reading
    const reading = (async () => {
      await before?.catch(() => undefined)
      return await this.#readNow()
    })()
    this.#reading = reading
    return await reading
  }

  async #readNow(): Promise<MemberObservation> {
    if ((await this.#postmaster.find()) === undefined) return await this.#stopped()
    try {
      this.#session ??= await PostgresSession.open(this.#clock, this.#target, observeMs)
      const seen = await seeMember(this.#session, observeMs)
      if (seen === undefined) return { role: 'unknown' }
      return toObservation(seen, await readUpstreamOnDisk(this.#config.dataDirectory))
    } catch (error) {
      this.close()
      if ((await this.#postmaster.find()) === undefined) return await this.#stopped()
      return (await this.#isStarting(error))
        ? { role: 'starting', ...(await this.#onDisk()) }
        : { role: 'unknown' }
    }
  }

  /** SQLSTATE 57P03 (cannot_connect_now) is sent while starting and while stopping; the socket is missing only for a moment. */
  async #isStarting(error: unknown): Promise<boolean> {
    const cause = (error as Error).cause
    const refusedForNow = sqlStateOf(cause) === '57P03'
    const noSocket = ['ENOENT', 'ECONNREFUSED'].includes(
      (cause as NodeJS.ErrnoException | undefined)?.code ?? '',
    )
    return (refusedForNow || noSocket) && (await this.#postmaster.status()) === 'starting'
  }

  async #stopped(): Promise<MemberObservation> {
    return { role: 'stopped', ...(await this.#onDisk()), ...(await this.#shutdown()) }
  }

  /** Only where pg_control says that it ended in an orderly way. */
  async #shutdown(): Promise<Partial<MemberObservation>> {
    const { dataDirectory } = this.#config
    try {
      const control = await readControlFile(dataDirectory)
      if (control?.state !== 'shut down' && control?.state !== 'shut down in recovery') return {}
      return { shutdownLsn: await walRecordEnd(dataDirectory, control.timeline, control.checkpointLsn) }
    } catch {
      // Unreadable is the same as absent here: the effects read it again and say why.
      return {}
    }
  }

  async #onDisk(): Promise<Partial<MemberObservation>> {
    // Unreadable is the same as absent here: the effects read it again and say why.
    const control = await readControlFile(this.#config.dataDirectory).catch(() => undefined)
    return control === undefined
      ? {}
      : {
          systemIdentifier: control.systemIdentifier,
          timeline: control.timeline,
          checkpointTimeline: control.timeline,
        }
  }
}
