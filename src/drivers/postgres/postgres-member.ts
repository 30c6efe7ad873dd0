import type { DatabaseMember } from '../../ports/database-member.ts'
import { join } from 'node:path'
import type {
  CanaryReceipt,
  KeptDirectory,
  MemberObservation,
  Upstream,
} from '../../ports/database-member.ts'
import type { Lsn } from '../../domain/lsn.ts'
import { immediateStopMs } from '../../domain/stale-read-bound.ts'
import { CanaryWriter } from './canary.ts'
import { CertificateWatch } from './certificate-watch.ts'
import { alterSystem } from './alter-system.ts'
import { readableControlFile, readControlFile } from './control-file.ts'
import type { PostgresEffects, PostgresMemberConfig } from './member-config.ts'
import { KeptDirectories } from './kept-directories.ts'
import { MemberObserver } from './member-observer.ts'
import { crossPort, identityRefused, permanent, refused } from './postgres-failure.ts'
import { PostgresSession } from './postgres-session.ts'
import type { SessionTarget } from './postgres-session.ts'
import { writeUpstreamOnDisk } from './postgres-settings.ts'
import { Postmaster } from './postmaster.ts'
import { requireMemberName } from './quoting.ts'
import { rejoin } from './rejoin.ts'
import type { RejoinMethod } from './rejoin.ts'
import { settleStandby, settling } from './settle-standby.ts'
import { startStandby } from './start-standby.ts'
import { detachStandby, followUpstream, promoteStandby } from './standby-switch.ts'
import { formatSyncRule } from './sync-rule.ts'
import type { WalPosition } from './timeline-history.ts'
import { walRecordEnd } from './wal-record-end.ts'
import { setWriteRefusal } from './write-refusal.ts'

/** A member that this process drives. `close` lets go of it and leaves the server running. */
export interface OpenPostgresMember extends DatabaseMember {
  close(): void
}

export function openPostgresMember(
  config: PostgresMemberConfig,
  effects: PostgresEffects,
): OpenPostgresMember {
  requireMemberName(config.name)
  const socketBytes = new TextEncoder().encode(join(config.socketDirectory, `.s.PGSQL.${config.port}`)).length
  if (!config.socketDirectory.startsWith('/') || socketBytes > 103) {
    const hint = 'choose a short absolute path: the system allows 103 bytes for a socket'
    throw permanent('PG_SOCKET_PATH', `${config.name}: socket directory ${config.socketDirectory}`, hint)
  }
  return new PostgresMember(config, effects)
}

const openMs = 3_000
/** A fast checkpoint writes every dirty page. */
const checkpointMs = 600_000
/** A clean stop waits for every connected standby to have everything; a dead one is dropped after wal_sender_timeout. */
const cleanStopMs = 120_000

class PostgresMember implements OpenPostgresMember {
  readonly #config: PostgresMemberConfig
  readonly #effects: PostgresEffects
  readonly #postmaster: Postmaster
  readonly #observer: MemberObserver
  readonly #kept: KeptDirectories
  readonly #canary: CanaryWriter
  readonly #certificate: CertificateWatch
  /** A connection costs more than most effects, so one is kept between them. Whoever finds it taken opens another. */
  #idle: PostgresSession | undefined
  /** How many servers have come and gone. */
  #generation = 0

  constructor(config: PostgresMemberConfig, effects: PostgresEffects) {
    this.#config = config
    this.#effects = effects
    this.#postmaster = new Postmaster(config, effects.clock)
    this.#certificate = new CertificateWatch(config, effects.clock, this.#postmaster)
    this.#kept = new KeptDirectories(config.dataDirectory)
    this.#observer = new MemberObserver(
      config,
      effects.clock,
      this.#postmaster,
      this.#target('pointzero-observe'),
    )
    this.#canary = new CanaryWriter(config, effects.clock, this.#target('pointzero-canary'))
    this.#postmaster.onExit(() => this.#forgetSessions())
  }

  get name(): string {
    return this.#config.name
  }

  async observe(): Promise<MemberObservation> {
    const certificate = this.#certificate.observation()
    return { ...(await this.#observer.observe()), ...(certificate === undefined ? {} : { certificate }) }
  }

  async isRenewalDue(): Promise<boolean> {
    return await crossPort(this.name, async () => await this.#certificate.isDue())
  }

  async renewCertificate(): Promise<void> {
    return await crossPort(this.name, async () => {
      await this.#requireIdentity()
      await this.#certificate.renew()
    })
  }

  async kept(): Promise<readonly KeptDirectory[]> {
    return await crossPort(this.name, async () => await this.#kept.read())
  }

  onPostmasterExit(listener: () => void): void {
    this.#postmaster.onExit(listener)
  }

  async startAsStandby(): Promise<void> {
    return await crossPort(this.name, async () => await this.#startAsStandby())
  }

  async stopImmediate(): Promise<void> {
    return await crossPort(this.name, async () => {
      if ((await this.#postmaster.find()) !== undefined) {
        this.#postmaster.signal('SIGQUIT')
        await this.#postmaster.waitForExit(immediateStopMs)
      }
      await this.#postmaster.killAll()
    })
  }

  async stopClean(): Promise<{ readonly shutdownLsn: Lsn; readonly timeline: number }> {
    return await crossPort(this.name, async () => {
      await this.#requireIdentity()
      if ((await this.#postmaster.find()) !== undefined) {
        this.#postmaster.signal('SIGINT')
        if (!(await this.#postmaster.waitForExit(cleanStopMs))) {
          const hint = 'look at the walsenders on the host, or stop it with `pointzero run zone-failover`'
          throw permanent('PG_STOP_TIMEOUT', `${this.name} is still stopping after ${cleanStopMs} ms`, hint)
        }
      }
      const control = await readControlFile(this.#config.dataDirectory)
      if (control?.state !== 'shut down' && control?.state !== 'shut down in recovery') {
        const hint = 'treat it as crashed: fail over and let it rejoin'
        throw permanent('PG_NOT_CLEAN', `${this.name} ended "${control?.state ?? 'without a cluster'}"`, hint)
      }
      const { timeline, checkpointLsn } = control
      const shutdownLsn = await walRecordEnd(this.#config.dataDirectory, timeline, checkpointLsn)
      return { shutdownLsn, timeline }
    })
  }

  async detach(): Promise<void> {
    return await crossPort(this.name, async () => {
      await this.#requireIdentity()
      if ((await this.#postmaster.find()) === undefined) return await writeUpstreamOnDisk(this.#config, '')
      const { clock } = this.#effects
      await this.#withSession(async (session) => await detachStandby(clock, this.#config, session))
    })
  }

  async follow(upstream: Upstream): Promise<void> {
    return await crossPort(this.name, async () => {
      await this.#requireIdentity()
      await followUpstream(this.#config, this.#effects.clock, this.#postmaster, upstream, async (use) => {
        await this.#withSession(use)
      })
    })
  }

  async setSynchronous(names: readonly string[], count: number): Promise<void> {
    return await crossPort(this.name, async () => {
      const rule = formatSyncRule(names, count)
      await this.#requireIdentity()
      await this.#withSession(async (session) => {
        await alterSystem(this.#effects.clock, this.name, session, 'synchronous_standby_names', rule)
      })
    })
  }

  async refuseWrites(): Promise<void> {
    await this.#setWriteRefusal(true)
  }

  async acceptWrites(): Promise<void> {
    await this.#setWriteRefusal(false)
  }

  async promote(): Promise<void> {
    return await crossPort(this.name, async () => {
      await this.#requireIdentity()
      this.#canary.close()
      await this.#withSession(
        async (session) => await promoteStandby(this.#effects.clock, this.#config, session),
      )
      // pg_rewind takes a primary's timeline from its last checkpoint (15): until there is one on the new timeline, this member
      // could not be rewound, and the server itself takes minutes for it. Nobody waits for it here.
      this.checkpoint().catch((error: unknown) => {
        this.#effects.log.warn('postgres.checkpoint-failed', { member: this.name, why: String(error) })
      })
    })
  }

  async checkpoint(): Promise<void> {
    return await crossPort(this.name, async () => {
      await this.#requireIdentity()
      await this.#withSession(async (session) => {
        await session.query('checkpoint', [], checkpointMs)
      })
    })
  }

  async rejoin(upstream: Upstream): Promise<{ readonly method: RejoinMethod }> {
    return await crossPort(this.name, async () => {
      await this.#requireIdentity(readableControlFile)
      if ((await this.#postmaster.find()) !== undefined) {
        const hint = 'fence it first: `pointzero run zone-failover`'
        throw refused('PG_RUNNING', `${this.name} runs; only a stopped member can rejoin`, hint)
      }
      await this.#postmaster.killAll()
      const method = await rejoin(
        { config: this.#config, effects: this.#effects, settle: async () => await this.#settle() },
        upstream,
      )
      this.#effects.log.info('postgres.rejoined', { member: this.name, upstream: upstream.name, method })
      return { method }
    })
  }

  async writeCanary(wallMs: number, timeoutMs: number): Promise<CanaryReceipt> {
    return await crossPort(this.name, async () => {
      return await this.#canary.write(wallMs, timeoutMs)
    })
  }

  close(): void {
    this.#forgetSessions()
    this.#postmaster.close()
  }

  async #setWriteRefusal(refuses: boolean): Promise<void> {
    return await crossPort(this.name, async () => {
      await this.#requireIdentity()
      await this.#withSession(
        async (session) => await setWriteRefusal(this.#config, this.#effects.clock, session, refuses),
      )
    })
  }

  async #startAsStandby(extra?: Readonly<Record<string, string>>): Promise<void> {
    await this.#requireIdentity()
    const target = this.#target('pointzero-start')
    await startStandby(this.#config, this.#effects, this.#postmaster, target, extra)
  }

  async #settle(): Promise<WalPosition> {
    return await settleStandby(this.#config, this.#effects.clock, {
      start: async () => await this.#startAsStandby(settling),
      stop: async () => await this.stopClean(),
      abandon: async () => await this.stopImmediate(),
      withSession: async (use) => await this.#withSession(use),
    })
  }

  /** No effect on a directory that belongs to another cluster (D04: an id is bound to what it denotes). */
  async #requireIdentity(read = readControlFile): Promise<void> {
    const { dataDirectory, systemIdentifier, name } = this.#config
    if (systemIdentifier === undefined) return
    const control = await read(dataDirectory)
    if (control === undefined || control.systemIdentifier === systemIdentifier) return
    throw identityRefused(name, control.systemIdentifier, systemIdentifier)
  }

  async #withSession<T>(use: (session: PostgresSession) => Promise<T>): Promise<T> {
    const generation = this.#generation
    const session = await this.#session()
    try {
      return await use(session)
    } finally {
      if (session.broken || this.#idle !== undefined || generation !== this.#generation) session.close()
      else this.#idle = session
    }
  }

  async #session(): Promise<PostgresSession> {
    const idle = this.#idle
    this.#idle = undefined
    if (idle?.broken === false) return idle
    return await PostgresSession.open(this.#effects.clock, this.#target('pointzero-agent'), openMs)
  }

  #target(applicationName: string): SessionTarget {
    const { name, socketDirectory, port, superuser, database, password } = this.#config
    return {
      member: name,
      host: socketDirectory,
      port,
      user: superuser,
      database,
      applicationName,
      ...(password === undefined ? {} : { password }),
    }
  }

  #forgetSessions(): void {
    this.#generation += 1
    this.#idle?.close()
    this.#idle = undefined
    this.#observer.close()
    this.#canary.close()
  }
}
