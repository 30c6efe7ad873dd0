import type { Json } from '../domain/canonical-json.ts'
import type { Facts } from '../domain/facts.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import { acknowledgingNames, hostNamed } from '../estate/estate-lookup.ts'
import type { Estate, PostgresComponent } from '../estate/estate.ts'
import {
  decideAutomatic,
  displaced,
  type AutomaticDecision,
  type Patience,
} from '../watch/automatic-decision.ts'
import { detectFailure, type Detection, type ObserverReading } from '../watch/failure-detector.ts'
import { misleading } from '../watch/misleading.ts'
import type { ViewBoard } from '../watch/view-board.ts'
import type { ProbeView } from '../agent/wire.ts'

/** A report older than this says nothing about where a gate leads now. */
const gateFreshMs = 1_000

/** In its place for this long, a member is back in it. */
const backMinMs = 1_000

export interface ClusterMoment {
  readonly nowMs: number
  readonly wallMs: number
  readonly facts: Facts
  readonly leader: LeaderRecord
  readonly busy: boolean
  /** The last failover away from this leader ended without one. */
  readonly inVain?: boolean
  /** The control plane's own probes. */
  readonly probes: readonly ProbeView[]
}

/** Watches one cluster from the control plane: detects, and says what should be done without a person. Holds only how long things last. */
export class ClusterWatch {
  readonly cluster: PostgresComponent
  readonly #estate: Estate
  readonly #board: ViewBoard
  readonly #patience: Patience | undefined
  readonly #displacedSinceMs = new Map<string, number>()
  readonly #backSinceMs = new Map<string, number>()
  #detection: Detection = { state: 'unknown', reason: 'not judged yet', silentMs: 0 }

  constructor(estate: Estate, cluster: PostgresComponent, board: ViewBoard, patience?: Patience) {
    this.cluster = cluster
    this.#estate = estate
    this.#board = board
    this.#patience = patience
  }

  get detection(): Detection {
    return this.#detection
  }

  judge(moment: ClusterMoment): AutomaticDecision {
    const facts = moment.facts.clusters.find(({ component }) => component === this.cluster.id)
    if (facts === undefined) return { start: 'nothing', reason: 'nothing observed' }
    const { leader, busy } = moment
    // What was out of place before a run ended is looked at anew: the run may just have put it right.
    if (busy) this.#displacedSinceMs.clear()
    this.#detection = this.#detect(moment)
    // Under an asynchronous policy nobody is named, so nobody is out of place for not being named.
    const isSynchronous = this.cluster.policy.synchronousCount > 0
    const acknowledging = isSynchronous ? acknowledgingNames(this.cluster) : new Set<string>()
    const displacedMs = new Map<string, number>()
    for (const { member, reachable } of facts.members) {
      // Not seen now is no news: neither back in its place nor out of it for longer.
      if (!reachable) continue
      const isOut = displaced({ facts, leader, acknowledging }, member)
      displacedMs.set(member, this.#displacedFor(isOut, member, moment.nowMs))
    }
    return decideAutomatic({
      policy: this.cluster.policy,
      detection: this.#detection,
      leader,
      facts,
      acknowledging,
      busy,
      nowMs: moment.wallMs,
      displacedMs,
      misled: this.#misled(moment),
      inVain: moment.inVain === true,
      ...(this.#patience === undefined ? {} : { patience: this.#patience }),
    })
  }

  /** Gates and applications are judged by what their agents report; one that does not answer says nothing. */
  #misled(moment: ClusterMoment): { readonly reason: string; readonly forMs: number } {
    const reason = misleading(this.#estate, this.cluster, moment.leader, (host) =>
      this.#board.ageMs(host, moment.nowMs) <= gateFreshMs ? this.#board.reading(host)?.view : undefined,
    )
    return { reason, forMs: this.#displacedFor(reason !== '', 'clients', moment.nowMs) }
  }

  /** What the watch knew when it decided; goes into the run journal with the opening. */
  account(moment: ClusterMoment): Json {
    return {
      declaredAtMs: moment.wallMs,
      silentMs: Math.floor(this.#detection.silentMs),
      reason: this.#detection.reason,
    }
  }

  #detect(moment: ClusterMoment): Detection {
    const member = this.cluster.members.find(({ id }) => id === moment.leader.member)
    if (member === undefined) return { state: 'unknown', reason: 'the leader is not declared', silentMs: 0 }
    const home = hostNamed(this.#estate, member.host)
    const beside = this.#board.member(home.id, member.id)
    const own =
      beside === undefined
        ? undefined
        : { role: beside.observation.role, ageMs: beside.ageMs + this.#board.ageMs(home.id, moment.nowMs) }
    const observers = [
      ...this.#remoteReadings(member.id, moment.nowMs),
      ...this.#ownReading(member.id, moment.probes),
    ]
    return detectFailure({ detectMs: this.cluster.policy.detectMs, zone: home.zone, own, observers })
  }

  #remoteReadings(member: string, nowMs: number): readonly ObserverReading[] {
    return this.#estate.hosts.flatMap((host) => {
      const probe = this.#board.reading(host.id)?.view.probes.find((one) => one.member === member)
      if (probe === undefined) return []
      return [
        {
          place: host.zone,
          silentMs: probe.silentMs,
          ageMs: probe.ageMs + this.#board.ageMs(host.id, nowMs),
        },
      ]
    })
  }

  /** The control plane observes from the zone of its host, together with the agents there: one place, however many look from it. */
  #ownReading(member: string, probes: readonly ProbeView[]): readonly ObserverReading[] {
    const probe = probes.find((one) => one.member === member)
    if (probe === undefined) return []
    const { zone } = hostNamed(this.#estate, this.#estate.controlPlane.host)
    const place = zone === 'outside' ? 'control' : zone
    return [{ place, silentMs: probe.silentMs, ageMs: probe.ageMs }]
  }

  /** Back means that it stays: a standby that asks for WAL that is gone looks as if it received, for a moment, again and again. */
  #displacedFor(isDisplaced: boolean, member: string, nowMs: number): number {
    if (isDisplaced) {
      this.#backSinceMs.delete(member)
      const sinceMs = this.#displacedSinceMs.get(member) ?? nowMs
      this.#displacedSinceMs.set(member, sinceMs)
      return nowMs - sinceMs
    }
    const backSinceMs = this.#backSinceMs.get(member) ?? nowMs
    this.#backSinceMs.set(member, backSinceMs)
    if (nowMs - backSinceMs >= backMinMs) this.#displacedSinceMs.delete(member)
    return 0
  }
}
