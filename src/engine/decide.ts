import type { Step } from '../domain/plan.ts'
import type { MissingStep, RunEvent, RunStatus } from './run-event.ts'
import { lostSteps, neededLost, stepState } from './run-state.ts'
import type { RunState } from './run-state.ts'

export type RunRequest =
  /** Observe first, then intent, effect, observe. */
  | StepRun
  /** Before the first compensation, so that no effect of ours can arrive after it. */
  | { readonly type: 'raise-epoch' }
  /** Nothing to start: something is under way, or an operator paused the run. */
  | { readonly type: 'wait'; readonly until: 'step-ended' | 'continued' }
  | Finish

export interface StepRun {
  readonly type: 'run-step'
  readonly step: Step
  readonly kind: 'apply' | 'compensate'
  readonly attempt: number
  /** Pause before a retry. */
  readonly waitMs: number
  /** An earlier intent of this run may have had its effect. */
  readonly touched: boolean
  /** No further attempt follows a failure of this one. */
  readonly last: boolean
}

export interface Finish {
  readonly type: 'finish'
  readonly status: RunStatus
  readonly missing: readonly MissingStep[]
  readonly pointOfNoReturn?: string
}

/** What to do next, from the journal and from what this executor has under way (nothing, right after it took over). Pure. */
export function decide(state: RunState, underWay: ReadonlySet<string>): readonly RunRequest[] {
  if (state.finished !== undefined) return []
  if (state.rollback !== undefined) return decideRollback(state, underWay)
  const runnable = runnableSteps(state, underWay)
  if (runnable.length === 0 && underWay.size === 0) return [finishForward(state)]
  if (state.paused) return [{ type: 'wait', until: 'continued' }]
  if (runnable.length === 0) return [{ type: 'wait', until: 'step-ended' }]
  return runnable.map((step) => {
    const { attempt, failures, intended } = stepState(state, step.id)
    const again = { attempt: attempt + 1, waitMs: failures === 0 ? 0 : step.retry.waitMs }
    const last = failures + 1 >= step.retry.attempts
    return { type: 'run-step', step, kind: 'apply', ...again, touched: intended !== undefined, last }
  })
}

/** Whether an intent may still be written: a pause, a cancel or a failure may have come since it was decided. */
export function mayStart(state: RunState, intent: RunEvent & { type: 'intent' }): boolean {
  if (state.finished !== undefined) return false
  if (intent.kind === 'compensate') return state.rollback?.epochRaised === true
  return state.rollback === undefined && !state.paused
}

function runnableSteps(state: RunState, underWay: ReadonlySet<string>): readonly Step[] {
  const done = (id: string): boolean => stepState(state, id).phase === 'done'
  return state.plan.steps.filter(({ id, after, quorum }) => {
    if (underWay.has(id) || stepState(state, id).phase !== 'pending') return false
    return after.filter(done).length >= (quorum ?? after.length)
  })
}

/** One at a time, newest intent first, and only when nothing is under way any more. */
function decideRollback(state: RunState, underWay: ReadonlySet<string>): readonly RunRequest[] {
  if (underWay.size > 0) return [{ type: 'wait', until: 'step-ended' }]
  const step = toUndo(state)
  if (step === undefined) return [finishRollback(state)]
  if (state.paused) return [{ type: 'wait', until: 'continued' }]
  if (state.rollback?.epochRaised !== true) return [{ type: 'raise-epoch' }]
  const { attempt, undoFailures, openIntent } = stepState(state, step.id)
  return [
    {
      type: 'run-step',
      step,
      kind: 'compensate',
      attempt: attempt + 1,
      waitMs: undoFailures === 0 ? 0 : step.retry.waitMs,
      touched: openIntent === 'compensate',
      last: undoFailures + 1 >= step.retry.attempts,
    },
  ]
}

/** Every step that this run meant to apply, whatever became of it: an unknown effect is undone too. */
function toUndo(state: RunState): Step | undefined {
  return state.plan.steps
    .filter(({ id, compensation }) => {
      const { phase, intended } = stepState(state, id)
      const over = phase === 'compensated' || phase === 'compensation-failed'
      return compensation !== undefined && intended !== undefined && !over
    })
    .toSorted((a, b) => (stepState(state, b.id).intended ?? 0) - (stepState(state, a.id).intended ?? 0))
    .at(0)
}

function finishRollback(state: RunState): Finish {
  const left = state.plan.steps.filter(({ id }) => stepState(state, id).phase === 'compensation-failed')
  const missing = state.plan.steps
    .filter(({ id }) => {
      const { phase, error } = stepState(state, id)
      return phase !== 'done' && (phase !== 'compensated' || error !== undefined)
    })
    .map((step) => ({ step: step.id, reason: reasonOf(state, step, 'not started: the run was rolled back') }))
  const status =
    left.length > 0 ? 'failed' : state.rollback?.because === 'refused' ? 'refused' : 'rolled-back'
  return { type: 'finish', status, missing }
}

function finishForward(state: RunState): Finish {
  const lost = lostSteps(state)
  const missing = state.plan.steps
    .filter(({ id }) => lost.has(id))
    .map((step) => ({ step: step.id, reason: reasonOf(state, step, 'a step before it was not done') }))
  const { pointOfNoReturn } = state
  const named = pointOfNoReturn === undefined ? {} : { pointOfNoReturn }
  return { type: 'finish', status: forwardStatus(state, missing.length), missing, ...named }
}

function forwardStatus(state: RunState, missing: number): RunStatus {
  const needed = neededLost(state)
  if (needed.some(({ id }) => stepState(state, id).error?.class === 'refused')) return 'refused'
  if (needed.length > 0) return 'failed'
  if (state.cancelledBy !== undefined) return 'cancelled-after-point-of-no-return'
  return missing > 0 ? 'completed-with-gaps' : 'completed'
}

function reasonOf(state: RunState, step: Step, otherwise: string): string {
  const { error, phase } = stepState(state, step.id)
  if (phase === 'compensation-failed')
    return `could not be undone: ${error?.code ?? ''}: ${error?.message ?? ''}`
  return error === undefined ? otherwise : `${error.code}: ${error.message}`
}
