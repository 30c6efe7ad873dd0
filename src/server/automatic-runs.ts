import type { Json } from '../domain/canonical-json.ts'
import type { Facts } from '../domain/facts.ts'
import type { RunId } from '../domain/id.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { EstatePerformer } from '../actions/estate-performer.ts'
import { digest } from '../engine/digest.ts'
import { executeRun } from '../engine/executor.ts'
import { openRun } from '../engine/open-run.ts'
import { planHash } from '../engine/plan-hash.ts'
import type { PostgresComponent } from '../estate/estate.ts'
import { scopeOf } from '../estate/estate-lookup.ts'
import type { World } from '../ports/world.ts'
import { procedureNamed, procedureVersions } from '../procedures/parts/catalogue.ts'
import type { ControlPlaneSetup } from './control-plane-setup.ts'

export interface AutomaticRequest {
  readonly procedure: string
  readonly cluster: PostgresComponent
  readonly parameters: Readonly<Record<string, string>>
  readonly facts: Facts
  readonly detection: Json
}

/** After a run that did not end well, this long passes before the same scope is tried again, unless the setup says otherwise. */
const usualRetryAfterMs = 5_000

/**
 * Runs that need no person, under their standing approvals: at most one a scope at a time, in this process. One that a former process of
 * this control plane left open is taken over by raising the epoch.
 */
export class AutomaticRuns {
  readonly #world: World
  readonly #setup: ControlPlaneSetup
  readonly #signal: AbortSignal
  readonly #active = new Map<string, Promise<void>>()
  readonly #notBeforeMs = new Map<string, number>()
  readonly #inVain = new Map<string, string>()

  constructor(world: World, setup: ControlPlaneSetup, signal: AbortSignal) {
    this.#world = world
    this.#setup = setup
    this.#signal = signal
  }

  /** True while this process executes a run of the scope, or rests after one that failed. */
  busy(scope: string): boolean {
    return this.#active.has(scope) || this.#world.clock.monotonicMs() < (this.#notBeforeMs.get(scope) ?? 0)
  }

  /** True when the last failover away from that leader did not get done: its standbys hold too little, or do not answer. */
  inVain(scope: string, leader: string): boolean {
    return leader !== '' && this.#inVain.get(scope) === leader
  }

  executing(scope: string): boolean {
    return this.#active.has(scope)
  }

  start(request: AutomaticRequest): void {
    this.#begin(scopeOf(request.cluster), async () => {
      const run: RunId = `run_${this.#world.random.idBody(16)}`
      await this.#open(request, run)
      const leader =
        request.facts.clusters.find(({ component }) => component === request.cluster.id)?.leader ?? ''
      const scope = scopeOf(request.cluster)
      if (request.procedure === 'zone-failover') this.#inVain.set(scope, leader)
      else this.#inVain.delete(scope)
      await this.#execute(run)
      this.#inVain.delete(scope)
    })
  }

  /** Takes over a run that this control plane requested and that nobody executes any more. */
  resume(scope: string, run: string): void {
    this.#begin(scope, async () => this.#execute(run))
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#active.values())
  }

  #begin(scope: string, work: () => Promise<void>): void {
    const active = (async () => {
      try {
        await work()
      } catch (error) {
        this.#note(scope, error)
      } finally {
        this.#active.delete(scope)
      }
    })()
    this.#active.set(scope, active)
  }

  async #open(request: AutomaticRequest, run: RunId): Promise<void> {
    const { estate, store, subject, verifier, sandbox } = this.#setup
    const { clock } = this.#world
    const procedure = procedureNamed(request.procedure)
    const parameters = { cluster: request.cluster.name, ...request.parameters }
    const mode = sandbox === true ? 'drill' : 'real'
    const plan = procedure.plan({ estate, facts: request.facts, parameters, mode })
    await openRun({
      clock,
      store,
      verifier,
      run,
      plan,
      planHash: planHash(plan),
      requestedBy: subject,
      authorization: { kind: 'standing', policyDigest: digest(request.cluster.policy) },
      detection: request.detection,
    })
    this.#world.log.info('automatic-run-opened', { run, procedure: procedure.name })
  }

  async #execute(run: string): Promise<void> {
    const { estate, store, subject } = this.#setup
    const performer = new EstatePerformer(this.#world, estate, store)
    const result = await executeRun({
      world: this.#world,
      store,
      performer,
      estate: estate.id,
      run,
      executor: subject,
      procedures: procedureVersions,
      signal: this.#signal,
    })
    this.#world.log.info('automatic-run-ended', { run, status: result.status })
    if (!result.status.startsWith('completed')) throw notDone(run, result.status)
  }

  #note(scope: string, error: unknown): void {
    const retryAfterMs = this.#setup.retryAfterMs ?? usualRetryAfterMs
    this.#notBeforeMs.set(scope, this.#world.clock.monotonicMs() + retryAfterMs)
    if (this.#signal.aborted) return
    const code = error instanceof RecoveryError ? error.code : 'BUG'
    this.#world.log.warn('automatic-run-not-done', {
      scope,
      code,
      error: error instanceof Error ? error.message : String(error),
    })
  }
}

function notDone(run: string, status: string): RecoveryError {
  return new RecoveryError({
    code: 'RUN_NOT_DONE',
    class: 'permanent',
    message: `${run} ended ${status}`,
    hint: `see \`pointzero show ${run}\``,
  })
}
