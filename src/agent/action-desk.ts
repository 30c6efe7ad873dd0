import type { Json } from '../domain/canonical-json.ts'
import { productVersion } from '../domain/product-version.ts'
import { formats, requireFormat } from '../domain/format.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { AgentContext } from '../actions/agent-context.ts'
import { effectOf, isEffect } from '../engine/action.ts'
import type { Action, ActionRegistry, Authority, Observation } from '../engine/action.ts'
import type { EpochGuard } from './epoch-guard.ts'
import { turnTarget } from './turn-target.ts'
import type { Tickets } from './tickets.ts'
import type { Turns } from '../domain/turns.ts'
import type { Clock } from '../ports/clock.ts'
import type { ActionCall, EffectView, Hello } from './wire.ts'

/** Most effects take less. What takes longer is shown to people. */
const longMs = 10_000

interface AskedEffect {
  readonly authority: string
  readonly view: Pick<EffectView, 'action' | 'run' | 'step'>
  readonly sinceMs: number
  waits: boolean
}

/**
 * Where an executor's requests are admitted and performed. Observing needs the right estate and version, and makes a higher epoch durable
 * first, so that announcing it need reach nobody. Applying also needs an epoch
 * that is not lower than the highest persisted one and the ticket of a look that is still true, both judged again after waiting in the queue:
 * effects on one target never overlap, and none comes late.
 */
export class ActionDesk {
  readonly #estate: string
  readonly #actions: ActionRegistry<AgentContext>
  readonly #context: AgentContext
  readonly #guard: EpochGuard
  readonly #turns: Turns
  readonly #tickets: Tickets
  readonly #clock: Clock
  readonly #underWay = new Set<AskedEffect>()

  constructor(options: {
    readonly estate: string
    readonly clock: Clock
    readonly actions: ActionRegistry<AgentContext>
    readonly context: AgentContext
    readonly guard: EpochGuard
    readonly turns: Turns
    readonly tickets: Tickets
  }) {
    this.#estate = options.estate
    this.#clock = options.clock
    this.#actions = options.actions
    this.#context = options.context
    this.#guard = options.guard
    this.#turns = options.turns
    this.#tickets = options.tickets
  }

  hello(): Hello {
    const capabilities = [...this.#actions.values()]
      .map((action) => `action:${action.name}@${action.version}`)
      .sort()
    return { format: formats.agentWire, productVersion, estate: this.#estate, capabilities }
  }

  async observe(call: ActionCall): Promise<Observation> {
    const action = this.#admit(call)
    const { authority } = call
    if (action.observeWrites === true) await this.#guard.admit(authority?.scope, authority?.epoch)
    else await this.#guard.note(authority?.scope, authority?.epoch)
    const target = targetOf(call, action.part)
    const round = this.#tickets.round(target)
    const seen = await action.observe(this.#context, call.args, call.authority)
    // A superseded executor may look; it has nothing to do here any more.
    if (!isEffect(action) || !this.#guard.isCurrent(call.authority)) return seen
    if (seen.satisfied) {
      this.#tickets.endRound(target)
      return seen
    }
    const ticket = this.#tickets.issue(target, holderOf(call), round)
    return ticket === undefined ? seen : { ...seen, ticket }
  }

  async apply(call: ActionCall): Promise<void> {
    const action = effectOf(this.#admit(call))
    const { authority } = call
    const asked: AskedEffect = {
      authority: authorityKey(authority),
      view: { action: action.name, ...stepOf(authority) },
      sinceMs: this.#clock.monotonicMs(),
      waits: true,
    }
    this.#underWay.add(asked)
    try {
      const target = targetOf(call, action.part)
      await this.#guard.admit(authority?.scope, authority?.epoch)
      this.#tickets.require(target, holderOf(call), call.ticket)
      await this.#turns.inTurn(target, async () => {
        asked.waits = false
        await this.#guard.admit(authority.scope, authority.epoch)
        this.#tickets.require(target, holderOf(call), call.ticket)
        this.#tickets.endRound(target)
        await action.apply(this.#context, call.args, authority).finally(() => this.#tickets.endRound(target))
      })
    } finally {
      this.#underWay.delete(asked)
    }
  }

  /** Asked by an executor that has waited for long: true while an effect of exactly this attempt is queued or under way. */
  performing(authority: Authority): boolean {
    const wanted = authorityKey(authority)
    return [...this.#underWay].some((asked) => asked.authority === wanted)
  }

  /** For people: an effect that does not end keeps all that is asked of its target waiting. */
  longUnderWay(): readonly EffectView[] {
    const nowMs = this.#clock.monotonicMs()
    // In the order in which they were asked for.
    return [...this.#underWay]
      .map(({ view, sinceMs, waits }) => ({
        ...view,
        forMs: Math.floor(nowMs - sinceMs),
        ...(waits ? { waits } : {}),
      }))
      .filter(({ forMs }) => forMs >= longMs)
  }

  #admit(call: ActionCall): Action<AgentContext> {
    requireFormat('agentWire', call.format, 'action call')
    requireEstate(this.#estate, call.estate)
    const action = this.#actions.get(call.action)
    if (action === undefined || action.version !== call.actionVersion) throw unsupported(call)
    return action
  }
}

export function requireEstate(ours: string, theirs: Json | undefined): void {
  if (theirs === ours) return
  throw new RecoveryError({
    code: 'ESTATE_MISMATCH',
    class: 'refused',
    message: `this process belongs to estate ${ours}, the request to ${JSON.stringify(theirs)}`,
    hint: 'check `--estate` and the context file',
  })
}

function targetOf({ args }: ActionCall, part: string | undefined): string {
  return turnTarget(args['component'], args['member'], part)
}

/** Attempts of one step have tickets of their own. */
function holderOf({ action, authority }: ActionCall): string {
  return `${action} ${authorityKey(authority)}`
}

/** Without an authority it is refused a moment later. */
function stepOf(authority: Authority | undefined): Pick<EffectView, 'run' | 'step'> {
  return { run: authority?.run ?? '', step: authority?.step ?? '' }
}

function authorityKey(authority: Authority | undefined): string {
  return `${authority?.run}/${authority?.step}/${authority?.attempt}/${authority?.epoch}`
}

function unsupported(call: ActionCall): RecoveryError {
  return new RecoveryError({
    code: 'ACTION_UNSUPPORTED',
    class: 'refused',
    message: `this agent (${productVersion}) has no ${call.action}@${call.actionVersion}`,
    hint: 'run `pointzero --version` on both hosts and install the same release',
  })
}
