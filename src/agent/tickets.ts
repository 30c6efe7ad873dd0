import { RecoveryError } from '../domain/recovery-error.ts'
import type { World } from '../ports/world.ts'

/** Far longer than an intent takes to become durable; whoever took longer looks again. */
const lifeMs = 30_000
/** Steps that look at one target at once; more than any plan has. */
const heldMax = 32

interface Ticket {
  readonly id: string
  readonly holder: string
  readonly expiresMs: number
}

interface TargetTickets {
  readonly round: number
  readonly held: readonly Ticket[]
}

/**
 * What makes an effect follow the look that it was decided from. A look that found its step not done yet gives a ticket; an effect is had
 * with a ticket of its own step only, once, and only while nothing else happened to the target since that look. So a request that the network
 * delivers late or twice finds its ticket used, or made void by what came after it, although its epoch is still the highest. In memory
 * only: after a restart of the agent everybody looks again.
 */
export class Tickets {
  readonly #world: Pick<World, 'clock' | 'random'>
  readonly #targets = new Map<string, TargetTickets>()

  constructor(world: Pick<World, 'clock' | 'random'>) {
    this.#world = world
  }

  /** Taken before a look: what is seen is worth a ticket only if the round is still the same afterwards. */
  round(target: string): number {
    return this.#targets.get(target)?.round ?? 0
  }

  /** The same step that looks again is given the same ticket. Undefined when something happened to the target during the look. */
  issue(target: string, holder: string, round: number): string | undefined {
    if (round !== this.round(target)) return undefined
    const nowMs = this.#world.clock.monotonicMs()
    const held = this.#held(target).filter(({ expiresMs }) => expiresMs > nowMs)
    const id = held.find((ticket) => ticket.holder === holder)?.id ?? this.#world.random.idBody(20)
    const others = held.filter((ticket) => ticket.holder !== holder).slice(1 - heldMax)
    this.#targets.set(target, { round, held: [...others, { id, holder, expiresMs: nowMs + lifeMs }] })
    return id
  }

  /** Refuses whoever does not hold a ticket that is good now. */
  require(target: string, holder: string, id: unknown): void {
    const nowMs = this.#world.clock.monotonicMs()
    const isGood = this.#held(target).some(
      (ticket) => ticket.id === id && ticket.holder === holder && ticket.expiresMs > nowMs,
    )
    if (!isGood) throw stale(target)
  }

  /** Something happens to the target, or was seen to have happened: whatever was seen before is old. */
  endRound(target: string): void {
    this.#targets.set(target, { round: this.round(target) + 1, held: [] })
  }

  #held(target: string): readonly Ticket[] {
    return this.#targets.get(target)?.held ?? []
  }
}

function stale(target: string): RecoveryError {
  return new RecoveryError({
    code: 'TICKET_STALE',
    class: 'transient',
    message: `something else happened to ${target} since it was looked at for this step, or this request came late`,
    hint: 'it is observed again before the next attempt',
  })
}
