import { RecoveryError } from '../domain/recovery-error.ts'
import type { MemberObservation } from '../ports/database-member.ts'
import type { World } from '../ports/world.ts'
import type { AgentState } from './agent-state.ts'
import type { LocalMember } from './agent-setup.ts'
import { decideFence } from './fence-decision.ts'
import { pause } from './probe-watch.ts'
import type { LeaderNews, MemberView } from './wire.ts'

/** A canary is written this often, in milliseconds; its acknowledgement is what tells a primary that it is not alone. */
const canaryEveryMs = 250

/**
 * Watches the member beside the agent: reads it, writes its canary while it leads, stops it when the fence rule says so, and starts it
 * again only when it is meant to be a standby.
 */
export class MemberWatch {
  readonly local: LocalMember
  readonly #world: World
  readonly #state: AgentState
  readonly #everyMs: number
  readonly #changed: () => void
  #observation: MemberObservation = { role: 'unknown' }
  #observedMs: number
  #renewedMs: number
  #acknowledgedMs: number
  #everAcknowledged = false
  #leader: LeaderNews | undefined
  #fenced = false
  #exits = 0

  constructor(
    world: World,
    state: AgentState,
    local: LocalMember,
    options: { readonly everyMs: number; readonly changed: () => void },
  ) {
    this.local = local
    this.#world = world
    this.#state = state
    this.#everyMs = options.everyMs
    this.#changed = options.changed
    const nowMs = world.clock.monotonicMs()
    this.#observedMs = nowMs
    this.#renewedMs = nowMs
    this.#acknowledgedMs = nowMs
    local.driver.onPostmasterExit(() => this.#onExit())
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#readLoop(signal), this.#canaryLoop(signal), this.#fenceLoop(signal)])
  }

  /** Reads now and answers with it; used where a cached reading will not do. */
  async readNow(): Promise<MemberView> {
    await this.#read()
    return this.view()
  }

  view(): MemberView {
    const nowMs = this.#world.clock.monotonicMs()
    const acknowledged = this.#observation.role === 'primary' && this.#everAcknowledged
    return {
      component: this.local.cluster.id,
      member: this.local.member.id,
      observation: this.#observation,
      ageMs: Math.floor(nowMs - this.#observedMs),
      ...(acknowledged ? { acknowledgedAgeMs: Math.floor(nowMs - this.#acknowledgedMs) } : {}),
      fenced: this.#fenced,
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
    if (observation.role === 'primary' && before !== 'primary') {
      this.#renewedMs = Math.max(this.#renewedMs, begunMs)
      this.#everAcknowledged = false
      this.#fenced = false
    }
    if (before !== observation.role) this.#changed()
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
    if (this.#state.intentOf(this.local.member.id) !== 'standby') return
    try {
      await this.local.driver.startAsStandby()
    } catch (error) {
      this.#note('standby-start-failed', error)
    }
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

  async #fenceLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#fenceIfDue()
      await pause(this.#world, Math.min(this.#everyMs, 100), signal)
    }
  }

  async #fenceIfDue(): Promise<void> {
    const { id } = this.local.member
    const decision = decideFence({
      role: this.#observation.role,
      nowMs: this.#world.clock.monotonicMs(),
      renewedMs: this.#renewedMs,
      acknowledgedMs: this.#everAcknowledged ? this.#acknowledgedMs : this.#renewedMs,
      fenceMs: this.local.cluster.policy.fenceMs,
      superseded: this.#superseded(),
    })
    if (!decision.fence) return
    this.#world.log.warn('fencing', { member: this.local.member.name, reason: decision.reason })
    try {
      await this.#state.intend(id, 'fenced', this.#state.intentEpochOf(id))
    } catch (error) {
      this.#note('fence-intent-not-stored', error)
    }
    await this.#stop()
  }

  /** News from before this member's own promotion (a reply that was under way) says nothing about it. */
  #superseded(): boolean {
    const { id } = this.local.member
    return (
      this.#leader !== undefined &&
      this.#leader.member !== id &&
      this.#leader.epoch > this.#state.intentEpochOf(id)
    )
  }

  /** Stops even when the disk is full: a fence that can not be recorded must still happen. */
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
