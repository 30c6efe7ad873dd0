import type { AgentView, Heartbeat, MemberView } from '../agent/wire.ts'

export interface HostReading {
  readonly view: AgentView
  /** This process's monotonic clock at arrival. */
  readonly arrivedMs: number
}

interface Held extends HostReading {
  readonly boot: string
  readonly sequence: number
  /** Boots of this agent that a later one took the place of, with the newest sequence number of each. */
  readonly pastBoots: ReadonlyMap<string, number>
}

/**
 * A boot that was taken for a past one is believed again when it goes on reporting while the one that took its place is silent for this
 * long. Boots have no order: after a restart of this process a late report of a dead agent may come before the first of the living one.
 */
const silentMs = 2_000

/** The newest report of every host. A late report, of the same boot or of an earlier one, does not replace a newer one. */
export class ViewBoard {
  readonly #held = new Map<string, Held>()

  record(beat: Heartbeat, arrivedMs: number): void {
    const known = this.#held.get(beat.host)
    if (known !== undefined && isOlder(beat, known, arrivedMs)) return
    const pastBoots = known === undefined ? new Map<string, number>() : pastBootsAfter(known, beat.boot)
    this.#held.set(beat.host, {
      view: beat.view,
      arrivedMs,
      boot: beat.boot,
      sequence: beat.sequence,
      pastBoots,
    })
  }

  reading(host: string): HostReading | undefined {
    return this.#held.get(host)
  }

  /** Age of the host's newest report; infinite when there is none. */
  ageMs(host: string, nowMs: number): number {
    const held = this.#held.get(host)
    return held === undefined ? Number.POSITIVE_INFINITY : nowMs - held.arrivedMs
  }

  member(host: string, member: string): MemberView | undefined {
    return this.#held.get(host)?.view.members.find((candidate) => candidate.member === member)
  }
}

function isOlder(beat: Heartbeat, known: Held, arrivedMs: number): boolean {
  if (known.boot === beat.boot) return known.sequence >= beat.sequence
  const past = known.pastBoots.get(beat.boot)
  if (past === undefined) return false
  return beat.sequence <= past || arrivedMs - known.arrivedMs < silentMs
}

function pastBootsAfter(known: Held, boot: string): ReadonlyMap<string, number> {
  if (known.boot === boot) return known.pastBoots
  return new Map([...known.pastBoots, [known.boot, known.sequence]])
}
