import type { Json } from '../domain/canonical-json.ts'
import type { Facts } from '../domain/facts.ts'
import type { RunId } from '../domain/id.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { EstatePerformer } from '../actions/estate-performer.ts'
import { executeRun } from '../engine/executor.ts'
import { cancelRun } from '../engine/operator-events.ts'
import { openRun } from '../engine/open-run.ts'
import type { Authorization } from '../engine/open-run.ts'
import { planHash } from '../engine/plan-hash.ts'
import type { RunStatus } from '../engine/run-event.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { PostgresComponent } from '../estate/estate.ts'
import { isCopiesScope } from '../estate/estate-lookup.ts'
import type { World } from '../ports/world.ts'
import { procedureNamed, procedureVersions } from '../procedures/parts/catalogue.ts'
import type { ControlPlaneSetup } from './control-plane-setup.ts'

export interface AutomaticRequest {
  readonly procedure: string
  readonly cluster: PostgresComponent
  readonly parameters: Readonly<Record<string, string>>
  readonly facts: Facts
  /** Of the plan: whose runs it waits for. */
  readonly scope: string
  readonly authorization: Authorization
  readonly detection?: Json
}

interface Active {
  readonly ended: Promise<void>
  readonly stop: AbortController
}

/** After a run that did not end well, this long passes before the same scope is tried again, unless the setup says otherwise. */
const usualRetryAfterMs = 5_000

/** On copies, for which nobody waits, each failure in a row doubles the rest, up to this often. */
const doublingsMax = 6

/**
 * Runs that need no person, under standing approvals or because the estate declares when: at most one a scope at a time, in this process. One
 * that a former process of this control plane left open is taken over by raising the epoch.
 */
export class AutomaticRuns {
  readonly #world: World
  readonly #setup: ControlPlaneSetup
  readonly #signal: AbortSignal
  readonly #active = new Map<string, Active>()
  readonly #notBeforeMs = new Map<string, number>()
  readonly #inVain = new Map<string, string>()
  readonly #failed = new Map<string, { readonly inARow: number; readonly why: string }>()

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

  /** Why the last one of the scope did not end well, while it rests from that. */
  restsFrom(scope: string): string | undefined {
    return !this.#active.has(scope) && this.busy(scope) ? this.#failed.get(scope)?.why : undefined
  }

  start(request: AutomaticRequest): void {
    const { scope } = request
    this.#begin(scope, async (signal) => {
      const run: RunId = `run_${this.#world.random.idBody(16)}`
      await this.#open(request, run)
      const leader =
        request.facts.clusters.find(({ component }) => component === request.cluster.id)?.leader ?? ''
      if (request.procedure === 'zone-failover') this.#inVain.set(scope, leader)
      else this.#inVain.delete(scope)
      await this.#complete(run, signal)
      this.#inVain.delete(scope)
    })
  }

  /** Takes over a run that this control plane requested and that nobody executes any more. */
  resume(scope: string, run: string): void {
    this.#begin(scope, async (signal) => this.#complete(run, signal))
  }

  /** Goes on with the run whoever executes it, this process included: no former executor has a further effect. However it ends is well. */
  takeOver(scope: string, run: string, cancel: boolean): void {
    const former = this.#active.get(scope)
    former?.stop.abort(new Error(`${run} was taken over`))
    this.#begin(scope, async (signal) => {
      await former?.ended
      const { estate, store, subject } = this.#setup
      const place = {
        clock: this.#world.clock,
        store,
        keys: storeKeys(estate.id),
        run,
        writer: subject,
        signal,
      }
      if (cancel) await cancelRun(place)
      await this.#execute(run, signal)
    })
  }

  async settled(): Promise<void> {
    await Promise.allSettled([...this.#active.values()].map(({ ended }) => ended))
  }

  #begin(scope: string, work: (signal: AbortSignal) => Promise<void>): void {
    const stop = new AbortController()
    const forward = (): void => stop.abort(this.#signal.reason)
    this.#signal.addEventListener('abort', forward)
    const ended = (async () => {
      try {
        this.#signal.throwIfAborted()
        await work(stop.signal)
        this.#failed.delete(scope)
      } catch (error) {
        if (!stop.signal.aborted || this.#signal.aborted) this.#note(scope, error)
      } finally {
        this.#signal.removeEventListener('abort', forward)
        if (this.#active.get(scope)?.stop === stop) this.#active.delete(scope)
      }
    })()
    this.#active.set(scope, { ended, stop })
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
      authorization: request.authorization,
      ...(request.detection === undefined ? {} : { detection: request.detection }),
    })
    this.#world.log.info('automatic-run-opened', { run, procedure: procedure.name })
  }

  async #complete(run: string, signal: AbortSignal): Promise<void> {
    const status = await this.#execute(run, signal)
    if (!status.startsWith('completed')) throw notDone(run, status)
  }

  async #execute(run: string, signal: AbortSignal): Promise<RunStatus> {
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
      signal,
    })
    this.#world.log.info('automatic-run-ended', { run, status: result.status })
    return result.status
  }

  #note(scope: string, error: unknown): void {
    const inARow = (this.#failed.get(scope)?.inARow ?? 0) + 1
    const doublings = isCopiesScope(scope) ? Math.min(inARow - 1, doublingsMax) : 0
    const retryAfterMs = (this.#setup.retryAfterMs ?? usualRetryAfterMs) * 2 ** doublings
    this.#notBeforeMs.set(scope, this.#world.clock.monotonicMs() + retryAfterMs)
    if (this.#signal.aborted) return
    const code = error instanceof RecoveryError ? error.code : 'BUG'
    const message = error instanceof Error ? error.message : String(error)
    this.#failed.set(scope, { inARow, why: `${code}: ${message}` })
    this.#world.log.warn('automatic-run-not-done', { scope, code, error: message })
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
