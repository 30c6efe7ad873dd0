import type { Json } from '../domain/canonical-json.ts'
import type { Plan, Step } from '../domain/plan.ts'
import { assert } from '../domain/recovery-error.ts'
import type { ErrorRecord } from '../domain/recovery-error.ts'
import type { RunEvent, RunStatus, MissingStep } from './run-event.ts'

/** What a run journal means. A pure fold of its events; nothing else goes in. */
export interface RunState {
  readonly plan: Plan
  readonly planHash: string
  readonly requestedBy: string
  /** 0 until an executor took the run over. */
  readonly epoch: number
  readonly executor: string
  readonly paused: boolean
  readonly cancelledBy?: string
  /** The first step of that effect that had an intent, or was found to be true already: from here on nothing is rolled back. */
  readonly pointOfNoReturn?: string
  /** Set once and for good: what has an effect is undone in reverse order. */
  readonly rollback?: Rollback
  readonly steps: ReadonlyMap<string, StepState>
  /** Intents so far; the order in which effects are undone. */
  readonly intents: number
  readonly finished?: { readonly status: RunStatus; readonly missing: readonly MissingStep[] }
}

export interface Rollback {
  readonly because: 'cancelled' | 'refused' | 'failed'
  /** An effect still under way carries a lower epoch than its compensation, so it is refused if it arrives late. */
  readonly epochRaised: boolean
}

export interface StepState {
  readonly phase: 'pending' | 'done' | 'failed' | 'compensated' | 'compensation-failed'
  /** Of the newest intent or outcome; the next one is one higher. */
  readonly attempt: number
  /** Failed attempts to apply, and to undo, since the run was last taken up. */
  readonly failures: number
  readonly undoFailures: number
  /** An intent whose outcome is not known: verify before anything else. */
  readonly openIntent?: 'apply' | 'compensate'
  /** Position among all intents of the newest intent to apply; absent = this run never touched it. */
  readonly intended?: number
  /** As bound by the newest intent to apply: what a compensation goes to. */
  readonly on?: string
  readonly output?: Readonly<Record<string, Json>>
  readonly proof?: Json
  readonly error?: ErrorRecord
}

const untouched: StepState = { phase: 'pending', attempt: 0, failures: 0, undoFailures: 0 }

export function evolve(state: RunState | undefined, event: RunEvent): RunState {
  if (event.type === 'opened') {
    assert(state === undefined, 'a run is opened once')
    return {
      plan: event.plan,
      planHash: event.planHash,
      requestedBy: event.requestedBy,
      epoch: 0,
      executor: '',
      paused: false,
      steps: new Map(event.plan.steps.map(({ id }) => [id, untouched])),
      intents: 0,
    }
  }
  assert(state !== undefined, 'a run journal begins with its opening')
  switch (event.type) {
    case 'took-over':
      return tookOver(state, event)
    case 'intent':
      return intended(state, event)
    case 'outcome':
      return ended(state, event)
    case 'paused':
      return { ...state, paused: true }
    case 'continued':
      return { ...state, paused: false }
    case 'cancel-requested':
      return rolledBack({ ...state, cancelledBy: event.by, paused: false }, 'cancelled')
    case 'finished':
      return { ...state, paused: false, finished: { status: event.status, missing: event.missing } }
  }
}

/** A run that failed may be taken up again: what failed is tried afresh, in the same direction as before. */
function tookOver(state: RunState, event: RunEvent & { type: 'took-over' }): RunState {
  const { finished, ...open } = state
  const taken: RunState = { ...open, epoch: event.epoch, executor: event.executor }
  const raised =
    taken.rollback === undefined ? taken : { ...taken, rollback: { ...taken.rollback, epochRaised: true } }
  if (finished === undefined) return raised
  const again = state.rollback === undefined ? 'failed' : 'compensation-failed'
  const steps = [...state.steps].map(([id, step]): [string, StepState] => [
    id,
    step.phase === again ? { ...step, phase: 'pending', failures: 0, undoFailures: 0 } : step,
  ])
  return { ...raised, steps: new Map(steps) }
}

function intended(state: RunState, event: RunEvent & { type: 'intent' }): RunState {
  const before = stepState(state, event.step)
  const applied = event.kind === 'apply'
  const after: StepState = {
    ...before,
    attempt: event.attempt,
    openIntent: event.kind,
    ...(applied ? { intended: state.intents, on: event.on } : {}),
  }
  const next = withStep({ ...state, intents: state.intents + 1 }, event.step, after)
  return applied ? pastNoReturn(next, event.step) : next
}

function ended(state: RunState, event: RunEvent & { type: 'outcome' }): RunState {
  const { openIntent: _, ...open } = stepState(state, event.step)
  const { error: __, ...clean } = open
  // Undone, a step still shows why it had to be.
  const before: StepState = event.kind === 'compensate' ? open : clean
  const closed = {
    ...before,
    attempt: event.attempt,
    ...(event.proof === undefined ? {} : { proof: event.proof }),
  }
  switch (event.result) {
    case 'done':
    case 'satisfied': {
      const done: StepState = { ...closed, phase: 'done', failures: 0, output: event.output ?? {} }
      return pastNoReturn(withStep(state, event.step, done), event.step)
    }
    case 'compensated':
      return withStep(state, event.step, { ...closed, phase: 'compensated' })
    case 'failed':
      return failed(state, event, closed)
  }
}

function failed(state: RunState, event: RunEvent & { type: 'outcome' }, closed: StepState): RunState {
  const { error } = event
  assert(error !== undefined, 'a failed outcome carries its error')
  const undoing = event.kind === 'compensate'
  const count = undoing ? { undoFailures: closed.undoFailures + 1 } : { failures: closed.failures + 1 }
  const retryable = error.class === 'transient' || error.class === 'unknown-outcome'
  const failures = count.undoFailures ?? count.failures ?? 0
  const over = !retryable || failures >= planStep(state, event.step).retry.attempts
  const phase = over ? (undoing ? 'compensation-failed' : 'failed') : closed.phase
  const next = withStep(state, event.step, { ...closed, ...count, error, phase })
  if (undoing || !over || neededLost(next).length === 0) return next
  return rolledBack(next, error.class === 'refused' ? 'refused' : 'failed')
}

/** What can not be done any more: it failed, or too many of the steps before it are lost. In plan order. */
export function lostSteps(state: RunState): ReadonlySet<string> {
  const lost = new Set<string>()
  for (const { id, after, quorum } of state.plan.steps) {
    const { phase } = stepState(state, id)
    if (phase === 'done') continue
    const possible = after.filter((before) => !lost.has(before)).length
    if (phase === 'failed' || possible < (quorum ?? after.length)) lost.add(id)
  }
  return lost
}

export function neededLost(state: RunState): readonly Step[] {
  const lost = lostSteps(state)
  return state.plan.steps.filter((step) => lost.has(step.id) && isNeeded(state.plan, step))
}

/** Neither optional nor one of several of which a quorum is enough. */
export function isNeeded(plan: Plan, step: Step): boolean {
  if (step.optional === true) return false
  return !plan.steps.some(({ after, quorum }) => quorum !== undefined && after.includes(step.id))
}

/** Does nothing once a point of no return was passed: then the only way is forward. */
function rolledBack(state: RunState, because: Rollback['because']): RunState {
  if (state.pointOfNoReturn !== undefined || state.rollback !== undefined) return state
  return { ...state, rollback: { because, epochRaised: false } }
}

/**
 * Also when it was found to be true without our doing: undoing the fence of an old primary while a new one is promoted already
 * would make two. Nothing was compensated by then, because compensation waits for everything under way.
 */
function pastNoReturn(state: RunState, id: string): RunState {
  if (state.pointOfNoReturn !== undefined || planStep(state, id).effect !== 'point-of-no-return') return state
  const { rollback: _, ...forward } = state
  return { ...forward, pointOfNoReturn: id }
}

export function stepState(state: RunState, id: string): StepState {
  const found = state.steps.get(id)
  assert(found !== undefined, `the plan has a step ${id}`)
  return found
}

export function planStep(state: RunState, id: string): Step {
  const found = state.plan.steps.find((step) => step.id === id)
  assert(found !== undefined, `the plan has a step ${id}`)
  return found
}

function withStep(state: RunState, id: string, step: StepState): RunState {
  assert(state.steps.has(id), `the plan has a step ${id}`)
  return { ...state, steps: new Map(state.steps).set(id, step) }
}
