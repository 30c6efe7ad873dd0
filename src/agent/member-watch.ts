import { RecoveryError } from '../domain/recovery-error.ts'
import { fenceLookMs, staleReadBoundMs } from '../domain/stale-read-bound.ts'
import type { MemberRole } from '../domain/member-role.ts'
import type { KeptDirectory, MemberObservation } from '../ports/database-member.ts'
import type { World } from '../ports/world.ts'
import type { AgentState } from './agent-state.ts'
import type { LocalMember } from './agent-setup.ts'
import { decideFence } from './fence-decision.ts'
import { pause } from './probe-watch.ts'
import { turnTarget } from './turn-target.ts'
import type { Turns } from '../domain/turns.ts'
import type { LeaderNews, MemberView } from './wire.ts'

/** A canary is written this often, in milliseconds; its acknowledgement is what tells a primary that it is not alone. */
const canaryEveryMs = 250

/** What lies beside the data directory is looked for this often, in milliseconds. */
const keptEveryMs = 10_000

/** A certificate that was renewed on the host is looked for this often, in milliseconds. */
const certificateEveryMs = 10_000

/**
 * Watches the member beside the agent: reads it, writes its canary while it leads, stops it when the fence rule says so, and starts it
 * again only when it is meant to be a standby.
 */
export class MemberWatch {
  readonly local: LocalMember
  readonly #world: World
  readonly #state: AgentState
  readonly #everyMs: number
  readonly #turns: Turns
  readonly #changed: () => void
  #observation: MemberObservation = { role: 'unknown' }
  /** The newest role that was certain: a member that does not answer for a moment is still what it was. */
  #role: MemberRole = 'unknown'
  #observedMs: number
  #renewedMs: number
  #acknowledgedMs: number
  #everAcknowledged = false
  #leader: LeaderNews | undefined
  #fenced = false
  #foreign = false
  #binding = false
  #exits = 0
  #kept: readonly KeptDirectory[] = []

  constructor(
    world: World,
    state: AgentState,
    local: LocalMember,
    options: { readonly everyMs: number; readonly turns: Turns; readonly changed: () => void },
  ) {
    this.local = local
    this.#world = world
    this.#state = state
    this.#everyMs = options.everyMs
    this.#turns = options.turns
    this.#changed = options.changed
    const nowMs = world.clock.monotonicMs()
    this.#observedMs = nowMs
    this.#renewedMs = nowMs
    this.#acknowledgedMs = nowMs
    local.driver.onPostmasterExit(() => this.#onExit())
  }

  async run(signal: AbortSignal): Promise<void> {
    const watches = [this.#readLoop(signal), this.#canaryLoop(signal), this.#fenceLoop(signal)]
    await Promise.all([...watches, this.#keptLoop(signal), this.#certificateLoop(signal)])
  }

  /** Reads now and answers with it; used where a cached reading will not do. */
  async readNow(): Promise<MemberView> {
    await this.#read()
    return this.view()
  }

  view(): MemberView {
    const nowMs = this.#world.clock.monotonicMs()
    const acknowledged = this.#observation.role === 'primary' && this.#everAcknowledged
    const boundMs = staleReadBoundMs(this.local.cluster.policy, this.#everyMs)
    return {
      component: this.local.cluster.id,
      member: this.local.member.id,
      observation: this.#observation,
      ageMs: Math.floor(nowMs - this.#observedMs),
      ...(acknowledged ? { acknowledgedAgeMs: Math.floor(nowMs - this.#acknowledgedMs) } : {}),
      fenced: this.#fenced,
      ...(this.#kept.length === 0 ? {} : { kept: this.#kept }),
      ...(boundMs === undefined ? {} : { staleReadBoundMs: boundMs }),
    }
  }

  /** A heartbeat that was sent at `sentMs` was answered, naming the leader if there is one. */
  renewed(sentMs: number, leader: LeaderNews | undefined): void {
    this.#renewedMs = Math.max(this.#renewedMs, sentMs)
    this.#leader = leader
  }

  #onExit(): void {
    this.#exits += 1
    this.#observation = { role: 'stopped' }
    this.#role = 'stopped'
    this.#observedMs = this.#world.clock.monotonicMs()
    this.#changed()
  }

  async #read(): Promise<void> {
    const begunMs = this.#world.clock.monotonicMs()
    const exits = this.#exits
    const observation = await this.local.driver.observe()
    if (exits !== this.#exits || begunMs < this.#observedMs) return
    const before = this.#observation.role
    this.#observation = observation
    this.#observedMs = begunMs
    if (before !== observation.role) this.#changed()
    if (observation.role !== 'unknown') this.#become(observation.role, begunMs)
    // Not waited for: a disk that hangs must not keep this member from being read.
    if (!this.#binding) void this.#bind(observation)
  }

  /** What runs as it is meant to is the database that the intent is about. */
  async #bind({ role, systemIdentifier }: MemberObservation): Promise<void> {
    const { id } = this.local.member
    if (systemIdentifier === undefined || role !== this.#state.intentOf(id)) return
    if (this.#state.identityOf(id) !== undefined) return
    this.#binding = true
    try {
      await this.#state.bind(id, systemIdentifier)
    } catch (error) {
      this.#note('identity-not-stored', error)
    } finally {
      this.#binding = false
    }
  }

  /** A new primary gets one fence interval to be heard. One that only did not answer for a while gets nothing. */
  #become(role: MemberRole, begunMs: number): void {
    if (role === this.#role) return
    this.#role = role
    if (role !== 'stopped') this.#fenced = false
    if (role !== 'primary') return
    this.#renewedMs = Math.max(this.#renewedMs, begunMs)
    this.#everAcknowledged = false
  }

  async #readLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#read()
      if (this.#observation.role === 'stopped') await this.#keepStandby()
      await pause(this.#world, this.#everyMs, signal)
    }
  }

  /** A standby that died is started again: it can never accept a write. Anything else waits for a run. */
  async #keepStandby(): Promise<void> {
    const { cluster, member, driver } = this.local
    const target = turnTarget(cluster.id, member.id)
    // Whoever is at work on it will start it: a directory that is being rewound must stay as it is.
    if (this.#state.intentOf(member.id) !== 'standby' || !this.#turns.isFree(target)) return
    if (this.#isForeign()) return
    try {
      await this.#turns.inTurn(target, async () => driver.startAsStandby())
    } catch (error) {
      this.#note('standby-start-failed', error)
    }
  }

  /** Somebody else's database lies where the standby was: nothing is written into it, a run is refused and says why. */
  #isForeign(): boolean {
    const bound = this.#state.identityOf(this.local.member.id)
    const { systemIdentifier } = this.#observation
    const isForeign = bound !== undefined && systemIdentifier !== undefined && systemIdentifier !== bound
    if (isForeign && !this.#foreign)
      this.#world.log.warn('another-database', { member: this.local.member.name, bound, systemIdentifier })
    this.#foreign = isForeign
    return isForeign
  }

  async #canaryLoop(signal: AbortSignal): Promise<void> {
    const { clock } = this.#world
    while (!signal.aborted) {
      const begunMs = clock.monotonicMs()
      if (this.#observation.role === 'primary') await this.#writeCanary(begunMs)
      await pause(this.#world, canaryEveryMs, signal)
    }
  }

  async #writeCanary(begunMs: number): Promise<void> {
    try {
      const waits = (this.#observation.syncNames ?? []).length > 0
      await this.local.driver.writeCanary(this.#world.clock.now(), this.local.cluster.policy.fenceMs)
      if (!waits) return
      this.#acknowledgedMs = Math.max(this.#acknowledgedMs, begunMs)
      this.#everAcknowledged = true
    } catch (error) {
      this.#note('canary-not-acknowledged', error)
    }
  }

  async #keptLoop(signal: AbortSignal): Promise<void> {
    const { driver } = this.local
    while (driver.kept !== undefined && !signal.aborted) {
      try {
        this.#kept = await driver.kept()
      } catch (error) {
        this.#note('kept-not-read', error)
      }
      await pause(this.#world, keptEveryMs, signal)
    }
  }

  async #certificateLoop(signal: AbortSignal): Promise<void> {
    const { cluster, member, driver } = this.local
    const target = turnTarget(cluster.id, member.id)
    while (driver.isRenewalDue !== undefined && !signal.aborted) {
      try {
        // Whoever is at work on it comes first: there is another time for this.
        if ((await driver.isRenewalDue()) && this.#turns.isFree(target))
          await this.#turns.inTurn(target, async () => driver.renewCertificate?.())
      } catch (error) {
        this.#note('certificate-not-renewed', error)
      }
      await pause(this.#world, certificateEveryMs, signal)
    }
  }

  async #fenceLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#fenceIfDue()
      await pause(this.#world, fenceLookMs(this.#everyMs), signal)
    }
  }

  async #fenceIfDue(): Promise<void> {
    const decision = decideFence({
      role: this.#role,
      nowMs: this.#world.clock.monotonicMs(),
      renewedMs: this.#renewedMs,
      acknowledgedMs: this.#everAcknowledged ? this.#acknowledgedMs : this.#renewedMs,
      fenceMs: this.local.cluster.policy.fenceMs,
      replaceable: this.local.cluster.policy.synchronousCount > 0,
      superseded: this.#superseded(),
    })
    if (!decision.fence) return
    this.#world.log.warn('fencing', { member: this.local.member.name, reason: decision.reason })
    // Not waited for: a fence that can not be recorded, on a disk that is full or hangs, must still happen.
    void this.#remember()
    await this.#stop()
  }

  async #remember(): Promise<void> {
    const { id } = this.local.member
    try {
      await this.#state.intend(id, 'fenced', this.#state.intentEpochOf(id))
    } catch (error) {
      this.#note('fence-intent-not-stored', error)
    }
  }

  /**
   * Another one leads, and this member was not told since to be a primary: news from before its own promotion (a reply that was
   * under way) says nothing about it.
   */
  #superseded(): boolean {
    const { id } = this.local.member
    if (this.#leader === undefined || this.#leader.member === id) return false
    return this.#state.intentOf(id) !== 'primary' || this.#leader.epoch > this.#state.intentEpochOf(id)
  }

  async #stop(): Promise<void> {
    try {
      await this.local.driver.stopImmediate()
      this.#fenced = true
      await this.#read()
    } catch (error) {
      this.#note('fence-failed', error)
    }
  }

  #note(event: string, error: unknown): void {
    if (error instanceof RecoveryError && error.class === 'bug') throw error
    this.#world.log.warn(event, {
      member: this.local.member.name,
      error: error instanceof Error ? error.message : String(error),
    })
  }
}
