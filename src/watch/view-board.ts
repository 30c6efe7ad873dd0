import type { AgentView, Heartbeat, MemberView } from '../agent/wire.ts'

export interface HostReading {
  readonly view: AgentView
  /** This process's monotonic clock at arrival. */
  readonly arrivedMs: number
}

interface Held extends HostReading {
  readonly boot: string
  readonly sequence: number
  /** Boots of this agent that a later one took the place of. */
  readonly pastBoots: ReadonlySet<string>
}

/** The newest report of every host. A late report, of the same boot or of an earlier one, never replaces a newer one. */
export class ViewBoard {
  readonly #held = new Map<string, Held>()

  record(beat: Heartbeat, arrivedMs: number): void {
    const known = this.#held.get(beat.host)
    if (known !== undefined && isOlder(beat, known)) return
    const pastBoots = known === undefined ? new Set<string>() : pastBootsAfter(known, beat.boot)
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

function isOlder(beat: Heartbeat, known: Held): boolean {
  if (known.boot === beat.boot) return known.sequence >= beat.sequence
  return known.pastBoots.has(beat.boot)
}

function pastBootsAfter(known: Held, boot: string): ReadonlySet<string> {
  return known.boot === boot ? known.pastBoots : new Set([...known.pastBoots, known.boot])
}
