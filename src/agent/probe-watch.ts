import type { PostgresMember } from '../estate/estate.ts'
import type { DatabaseProbe } from '../ports/database-member.ts'
import type { World } from '../ports/world.ts'
import type { ProbeView } from './wire.ts'

export interface ProbeTarget {
  readonly member: PostgresMember
  readonly address: string
}

/**
 * Asks members elsewhere for an answer, over and over, and remembers when each last gave one. An observer that itself was paused
 * reports a large age, which the detector does not count, and afterwards does not count that time as their silence (unknown is not down).
 */
export class ProbeWatch {
  readonly #world: World
  readonly #probe: DatabaseProbe
  readonly #targets: readonly ProbeTarget[]
  readonly #everyMs: number
  readonly #seen = new Map<string, { answeredMs: number; finishedMs: number }>()

  constructor(world: World, probe: DatabaseProbe, targets: readonly ProbeTarget[], everyMs: number) {
    this.#world = world
    this.#probe = probe
    this.#targets = targets
    this.#everyMs = everyMs
  }

  /** Resolves when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#targets.map(async (target) => this.#follow(target, signal)))
  }

  views(): readonly ProbeView[] {
    const nowMs = this.#world.clock.monotonicMs()
    const views: ProbeView[] = []
    for (const { member } of this.#targets) {
      const seen = this.#seen.get(member.id)
      if (seen !== undefined)
        views.push({
          member: member.id,
          silentMs: Math.floor(nowMs - seen.answeredMs),
          ageMs: Math.floor(nowMs - seen.finishedMs),
        })
    }
    return views
  }

  async #follow(target: ProbeTarget, signal: AbortSignal): Promise<void> {
    const { clock } = this.#world
    const timeoutMs = Math.max(this.#everyMs * 2, 200)
    const roundMs = timeoutMs + this.#everyMs
    let answeredMs = clock.monotonicMs()
    let lookedMs = answeredMs
    while (!signal.aborted) {
      const begunMs = clock.monotonicMs()
      const answered = await this.#probe.answers(target.address, target.member.port, timeoutMs)
      const finishedMs = clock.monotonicMs()
      const stoodStillMs = Math.max(0, finishedMs - lookedMs - 2 * roundMs)
      answeredMs = answered ? begunMs : answeredMs + stoodStillMs
      lookedMs = finishedMs
      this.#seen.set(target.member.id, { answeredMs, finishedMs })
      await pause(this.#world, this.#everyMs, signal)
    }
  }
}

/** Sleeps, and returns quietly when aborted. */
export async function pause(world: World, durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await world.clock.sleep(durationMs, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
