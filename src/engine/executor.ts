import { RecoveryError, assert } from '../domain/recovery-error.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { World } from '../ports/world.ts'
import { requireExecutable } from './executable-plan.ts'
import type { ProcedureVersions } from './executable-plan.ts'
import { decide } from './decide.ts'
import type { RunRequest, StepRun } from './decide.ts'
import { JournalWriter } from './journal-writer.ts'
import { performStep } from './perform-step.ts'
import type { Performer } from './performer.ts'
import type { MissingStep, RunStatus } from './run-event.ts'
import { RunJournal } from './run-journal.ts'
import { stepState } from './run-state.ts'
import { storeKeys } from './store-keys.ts'
import { takeOver } from './take-over.ts'

export interface Execution {
  readonly world: Pick<World, 'clock' | 'random' | 'log'>
  readonly store: ControlStore
  readonly performer: Performer
  readonly estate: string
  readonly run: string
  /** Name of this executor, for people. A random part is added, so that no two are ever the same. */
  readonly executor: string
  /** Of this program: a run whose plan another release made is taken over only where it means the same. */
  readonly procedures: ProcedureVersions
  /** Stops between instructions. The journal survives; `executeRun` again goes on. */
  readonly signal?: AbortSignal
}

export interface RunResult {
  readonly status: RunStatus
  readonly missing: readonly MissingStep[]
}

/** Takes an open run over (the epoch goes up) and executes it to its end. For a fresh run and for one whose executor died alike. */
export async function executeRun(execution: Execution): Promise<RunResult> {
  const { world, store, estate, run, signal } = execution
  const writer = `${execution.executor}/${world.random.idBody(10)}`
  const stop = new AbortController()
  const forward = (): void => stop.abort(signal?.reason)
  signal?.addEventListener('abort', forward)
  try {
    signal?.throwIfAborted()
    const place = { clock: world.clock, store, keys: storeKeys(estate), run, writer, signal: stop.signal }
    const journal = await RunJournal.load(place)
    requireExecutable(run, journal.state.plan, execution.procedures)
    await takeOver(journal)
    return await new Executor(execution, journal, stop).toEnd()
  } catch (error) {
    if (signal?.aborted === true) throw interrupted(run, signal.reason)
    throw error
  } finally {
    signal?.removeEventListener('abort', forward)
    stop.abort(new Error('this executor ended'))
  }
}

class Executor {
  readonly #execution: Execution
  readonly #journal: RunJournal
  readonly #writer: JournalWriter
  readonly #stop: AbortController
  readonly #underWay = new Set<string>()
  #announced: Promise<void>
  #changed = Promise.withResolvers<void>()

  constructor(execution: Execution, journal: RunJournal, stop: AbortController) {
    this.#execution = execution
    this.#journal = journal
    this.#stop = stop
    this.#writer = new JournalWriter(
      journal,
      () => this.#changed.resolve(),
      (reason) => this.#stop.abort(reason),
    )
    this.#announced = this.#announce()
  }

  async toEnd(): Promise<RunResult> {
    this.#failWith(this.#watch())
    for (;;) {
      const changed = this.#changed.promise
      const requests = decide(this.#journal.state, this.#underWay)
      // All at once, so that their intents meet in one transaction.
      for (const request of requests) if (request.type === 'run-step') this.#failWith(this.#runStep(request))
      for (const request of requests) await this.#conclude(request)
      const { finished } = this.#journal.state
      if (finished !== undefined) return finished
      await changed
      this.#stop.signal.throwIfAborted()
      this.#changed = Promise.withResolvers()
    }
  }

  async #conclude(request: RunRequest): Promise<void> {
    const { log } = this.#execution.world
    const { run, keys } = this.#journal.place
    switch (request.type) {
      case 'run-step':
      case 'wait':
        return
      case 'raise-epoch':
        await this.#writer.raiseEpoch()
        this.#announced = this.#announce()
        return
      case 'finish': {
        const { scope } = this.#journal.state.plan
        const put = [{ key: keys.open(scope), value: '{"run":""}' }]
        if (await this.#writer.finish({ compare: [], put }))
          log.info('run-finished', { run, status: request.status })
      }
    }
  }

  async #runStep(request: StepRun): Promise<void> {
    const { id } = request.step
    const { clock, log } = this.#execution.world
    const { run } = this.#journal.place
    const { plan, epoch } = this.#journal.state
    assert(!this.#underWay.has(id), 'a step is under way once')
    this.#underWay.add(id)
    const outcome = await performStep(
      {
        clock,
        performer: this.#execution.performer,
        authority: { run, step: id, attempt: request.attempt, scope: plan.scope, epoch },
        outputs: (step) => this.#journal.state.steps.get(step)?.output,
        wanted: () => request.kind === 'compensate' || this.#journal.state.rollback === undefined,
        appliedOn: stepState(this.#journal.state, id).on,
        intend: (intent) => this.#writer.write(intent),
        announced: this.#announced,
        signal: this.#stop.signal,
      },
      request,
    )
    this.#stop.signal.throwIfAborted()
    if (outcome !== undefined) {
      await this.#writer.write(outcome)
      log.info('step-ended', {
        run,
        step: id,
        attempt: outcome.attempt,
        result: outcome.result,
        elapsedMs: outcome.elapsedMs,
      })
    }
    this.#underWay.delete(id)
    this.#changed.resolve()
  }

  /** Places that can not be reached now learn the epoch with the first effect that reaches them. */
  #announce(): Promise<void> {
    const { performer, world } = this.#execution
    const { plan, epoch } = this.#journal.state
    const announced = performer.announce(plan.scope, epoch).catch((error: unknown) => {
      const passing = error instanceof RecoveryError && ['transient', 'unknown-outcome'].includes(error.class)
      if (!passing) {
        this.#stop.abort(error)
        throw error
      }
      world.log.warn('epoch-not-announced-everywhere', { scope: plan.scope, epoch, why: error.message })
    })
    this.#failWith(announced)
    return announced
  }

  /** Sees what operators append, and that another executor took over, while steps are under way. */
  async #watch(): Promise<void> {
    const { store, keys, run, clock } = this.#journal.place
    const head = keys.runHead(run)
    while (!this.#stop.signal.aborted) {
      try {
        const changes = await store.changes(head, this.#journal.headRevision, 1_000)
        if (this.#stop.signal.aborted) return
        const newest = Math.max(0, ...changes.map(({ revision }) => revision))
        if (newest > this.#journal.headRevision) await this.#writer.refresh(newest)
      } catch (error) {
        const passing =
          error instanceof RecoveryError && ['transient', 'unknown-outcome'].includes(error.class)
        if (!passing) throw error
        await clock.sleep(200, this.#stop.signal)
      }
    }
  }

  /** The first failure of anything under way ends this executor: what is still in flight can have no further effect. */
  #failWith(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#stop.abort(error)
      this.#changed.resolve()
    })
  }
}

function interrupted(run: string, reason: unknown): RecoveryError {
  return new RecoveryError({
    code: 'RUN_INTERRUPTED',
    class: 'transient',
    message: `${run} was stopped before its end; its journal holds all that was done`,
    hint: `go on with \`pointzero resume ${run}\``,
    cause: reason,
  })
}
