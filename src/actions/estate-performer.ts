import type { Json } from '../domain/canonical-json.ts'
import { formats } from '../domain/format.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { agentMethods, type ActionCall, type AgentView } from '../agent/wire.ts'
import { effectOf } from '../engine/action.ts'
import type { ActionRegistry, Observation } from '../engine/action.ts'
import type { Performer, StepRequest } from '../engine/performer.ts'
import { hostNamed } from '../estate/estate-lookup.ts'
import type { Estate } from '../estate/estate.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { World } from '../ports/world.ts'
import type { ControlContext } from './control-context.ts'
import { controlActions } from './control-actions.ts'

/** An agent that has not taken note of a new epoch after this long is left to learn it from its next heartbeat. */
const announceMs = 50
const readingMs = 1_500
/** How often an agent is asked whether it is still performing, and how many times without a yes until it counts as lost. */
const askAgainMs = 2_000
const missesMax = 3
/** Why a wait beside something that ended is stopped; nobody sees it. */
const ended = new Error('what was waited for has ended')

/** Performs steps of one estate: on the executor itself, or through the agent of the host that the step names. */
export class EstatePerformer implements Performer {
  readonly #world: World
  readonly #estate: Estate
  readonly #context: ControlContext
  readonly #actions: ActionRegistry<ControlContext>

  constructor(
    world: World,
    estate: Estate,
    store: ControlStore,
    actions: ActionRegistry<ControlContext> = controlActions,
  ) {
    this.#world = world
    this.#estate = estate
    this.#actions = actions
    this.#context = { world, estate, store, observeHost: async (host) => this.observeHost(host) }
  }

  async observe(request: StepRequest): Promise<Observation> {
    if (request.on === 'control') {
      return this.#control(request).observe(this.#context, request.args, request.authority)
    }
    // A step may take an hour, a look at it may not: a reply that was lost is asked for again.
    const allowedMs =
      readingMs * 2 + (typeof request.args['timeoutMs'] === 'number' ? request.args['timeoutMs'] : 0)
    const brief = { ...request, timeoutMs: Math.min(request.timeoutMs, allowedMs) }
    return (await this.#call(brief, agentMethods.actionObserve)) as unknown as Observation
  }

  async apply(request: StepRequest): Promise<void> {
    if (request.on === 'control') {
      await effectOf(this.#control(request)).apply(this.#context, request.args, request.authority)
      return
    }
    await this.#whilePerforming(request, async () => this.#call(request, agentMethods.actionApply))
  }

  /**
   * A host that lost power, or a reply that was lost, would be waited for until the step's time-out: an hour for a clone. So the agent is
   * asked now and then whether it is still at it.
   */
  async #whilePerforming(request: StepRequest, work: () => Promise<Json>): Promise<void> {
    const over = new AbortController()
    const lost = this.#untilLost(request, over.signal)
    try {
      await Promise.race([work(), lost])
    } finally {
      over.abort(ended)
      lost.catch(() => undefined)
    }
  }

  async #untilLost(request: StepRequest, signal: AbortSignal): Promise<never> {
    const host = hostNamed(this.#estate, request.on)
    const endpoint = { address: host.address, port: host.agentPort }
    for (let misses = 0; misses < missesMax;) {
      await this.#world.clock.sleep(askAgainMs, signal)
      const options = { timeoutMs: readingMs, expectSubject: host.id }
      const body = { ...request.authority }
      const reply = await this.#world.network
        .call(endpoint, agentMethods.performing, body, options)
        .catch((error: unknown) => {
          if (error instanceof RecoveryError && error.class !== 'bug') return undefined
          throw error
        })
      misses = isPerforming(reply) ? 0 : misses + 1
    }
    throw new RecoveryError({
      code: 'ACTION_LOST',
      class: 'unknown-outcome',
      message: `the agent on ${request.on} is no longer performing ${request.action}, or does not answer`,
      hint: 'what it did is observed before it is tried again',
    })
  }

  async announce(scope: string, epoch: number): Promise<void> {
    const { clock } = this.#world
    const told = Promise.allSettled(
      this.#estate.hosts.map(async (host) => this.#tell(host.name, scope, epoch)),
    )
    const enough = new AbortController()
    const waited = clock.sleep(announceMs, enough.signal).catch(() => undefined)
    await Promise.race([told, waited])
    enough.abort(ended)
  }

  async observeHost(name: string): Promise<AgentView> {
    const host = hostNamed(this.#estate, name)
    const reply = await this.#world.network.call(
      { address: host.address, port: host.agentPort },
      agentMethods.observe,
      {},
      {
        timeoutMs: readingMs,
        expectSubject: host.id,
      },
    )
    return reply as unknown as AgentView
  }

  async #tell(name: string, scope: string, epoch: number): Promise<void> {
    const host = hostNamed(this.#estate, name)
    await this.#world.network.call(
      { address: host.address, port: host.agentPort },
      agentMethods.announce,
      { scope, epoch },
      {
        timeoutMs: readingMs,
        expectSubject: host.id,
      },
    )
  }

  async #call(request: StepRequest, method: string): Promise<Json> {
    const host = hostNamed(this.#estate, request.on)
    const call: ActionCall = {
      format: formats.agentWire,
      estate: this.#estate.id,
      action: request.action,
      actionVersion: request.actionVersion,
      args: request.args,
      authority: request.authority,
      ...(request.ticket === undefined ? {} : { ticket: request.ticket }),
    }
    return this.#world.network.call(
      { address: host.address, port: host.agentPort },
      method,
      call as unknown as Json,
      {
        timeoutMs: request.timeoutMs,
        expectSubject: host.id,
      },
    )
  }

  #control(request: StepRequest) {
    const action = this.#actions.get(request.action)
    if (action !== undefined && action.version === request.actionVersion) return action
    throw new RecoveryError({
      code: 'ACTION_UNSUPPORTED',
      class: 'refused',
      message: `this executor has no ${request.action}@${request.actionVersion}`,
      hint: 'resume with the release that wrote the plan: see productVersion in `pointzero show <run> --json`',
    })
  }
}

function isPerforming(reply: Json | undefined): boolean {
  return typeof reply === 'object' && reply !== null && 'performing' in reply && reply['performing'] === true
}
