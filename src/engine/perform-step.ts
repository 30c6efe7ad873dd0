import type { Json } from '../domain/canonical-json.ts'
import type { Step } from '../domain/plan.ts'
import { RecoveryError, toErrorRecord } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { ActionArgs, Authority, NotYet, Observation } from './action.ts'
import type { StepRun } from './decide.ts'
import type { Performer, StepRequest } from './performer.ts'
import type { RunEvent } from './run-event.ts'
import { bindReferences } from './step-reference.ts'
import type { StepOutputs } from './step-reference.ts'
import { withTimeout } from './with-timeout.ts'

type Intent = RunEvent & { type: 'intent' }
export type Outcome = RunEvent & { type: 'outcome' }

export interface StepSurroundings {
  readonly clock: Clock
  readonly performer: Performer
  readonly authority: Authority
  readonly outputs: StepOutputs
  /** Where the intent to apply went: its compensation goes to the same place. */
  readonly appliedOn: string | undefined
  /** Resolves true once the intent is durable; false when it may not happen any more. */
  readonly intend: (intent: Intent) => Promise<boolean>
  /** False when the run is to be rolled back: waiting any longer would only delay that. */
  readonly wanted: () => boolean
  /** Settled once the places that can be reached know our epoch. */
  readonly announced: Promise<void>
  readonly signal: AbortSignal
}

/** Polling after an effect starts fast, because it is part of the recovery time. */
const firstPollMs = 20
const longestPollMs = 500
/** An effect that ended without an error shows within this. */
const settleMs = 30_000
/** What a look needs to be an answer, also when the effect has used up all the time of the step. */
const lookMs = 2_000
/** Within one attempt, how often an effect is asked for again after a fresh look. */
const freshLooksMax = 3

/**
 * One attempt: observe; if it is not so yet, make the intent durable, apply, and observe until it is so. Undefined when the intent
 * was not admitted: nothing happened. Errors of class bug, and being stopped, are thrown.
 */
export async function performStep(around: StepSurroundings, run: StepRun): Promise<Outcome | undefined> {
  const { clock, signal } = around
  if (run.waitMs > 0) await clock.sleep(run.waitMs, signal)
  if (!around.wanted()) return undefined
  const startedMs = clock.monotonicMs()
  const base = { type: 'outcome', step: run.step.id, attempt: run.attempt, kind: run.kind } as const
  try {
    const request = bindRequest(around, run)
    const seen = await attempt(around, run, request, startedMs + run.step.timeoutMs)
    if (seen === undefined) return undefined
    const { observation, result } = seen
    const { proof, output } = observation
    return { ...base, result, proof, output, elapsedMs: Math.round(clock.monotonicMs() - startedMs) }
  } catch (error) {
    signal.throwIfAborted()
    const record = toErrorRecord(error)
    if (record.class === 'bug') throw error
    return {
      ...base,
      result: 'failed',
      error: record,
      elapsedMs: Math.round(clock.monotonicMs() - startedMs),
    }
  }
}

type Satisfied = Observation & { satisfied: true }

interface Seen {
  readonly observation: Satisfied
  readonly result: Outcome['result']
}

async function attempt(
  around: StepSurroundings,
  run: StepRun,
  request: StepRequest,
  deadlineMs: number,
): Promise<Seen | undefined> {
  const { step, kind } = run
  const { clock } = around
  const after = kind === 'compensate' ? 'compensated' : 'done'
  if (step.effect === 'none')
    return { observation: await observeUntil(around, request, deadlineMs), result: after }
  const first = await observeOnce(around, request, deadlineMs)
  if (first.satisfied) return { observation: first, result: satisfiedResult(run) }
  const { on, args } = request
  if (!(await around.intend({ type: 'intent', step: step.id, attempt: run.attempt, kind, on, args })))
    return undefined
  await around.announced
  around.signal.throwIfAborted()
  try {
    const already = await applyAsSeen(around, request, deadlineMs, first)
    if (already !== undefined) return { observation: already, result: after }
  } catch (error) {
    if (!(error instanceof RecoveryError) || error.class !== 'unknown-outcome') throw error
    const lookBy = lookDeadline(clock, deadlineMs)
    if (!run.last) return { observation: await verifyOnce(around, request, lookBy, error), result: after }
  }
  // A clone may take an hour, what shows that it worked may not: a member whose upstream died would be waited for to the end.
  const seenBy = Math.min(lookDeadline(clock, deadlineMs), clock.monotonicMs() + settleMs)
  return { observation: await observeUntil(around, request, seenBy), result: after }
}

/**
 * Asks for the effect with the ticket of the look that it was decided from. Refused as stale, nothing happened: it is looked at again, and
 * what is seen by then may already be what was wanted.
 */
async function applyAsSeen(
  around: StepSurroundings,
  request: StepRequest,
  deadlineMs: number,
  first: NotYet,
): Promise<Satisfied | undefined> {
  let { ticket } = first
  for (let looksLeft = freshLooksMax; ; looksLeft -= 1) {
    const quoting = ticket === undefined ? {} : { ticket }
    try {
      await timed(around, request, deadlineMs, 'unknown-outcome', (sent) =>
        around.performer.apply({ ...sent, ...quoting }),
      )
      return undefined
    } catch (error) {
      const isStale = error instanceof RecoveryError && error.code === 'TICKET_STALE'
      if (!isStale || looksLeft === 0 || !around.wanted()) throw error
    }
    const seen = await observeOnce(around, request, deadlineMs)
    if (seen.satisfied) return seen
    ticket = seen.ticket
  }
}

function satisfiedResult({ kind, touched }: StepRun): Outcome['result'] {
  if (kind === 'compensate') return 'compensated'
  return touched ? 'done' : 'satisfied'
}

/** The deadline of the step, or later where that leaves no time to look. */
function lookDeadline(clock: Clock, deadlineMs: number): number {
  return Math.max(deadlineMs, clock.monotonicMs() + lookMs)
}

/**
 * After an unknown outcome, while another attempt is allowed: look once; the next attempt looks first again. What went wrong with the
 * effect is the news, not that it could not be looked at.
 */
async function verifyOnce(
  around: StepSurroundings,
  request: StepRequest,
  deadlineMs: number,
  cause: RecoveryError,
): Promise<Satisfied> {
  const seen = await observeOnce(around, request, deadlineMs).catch((error: unknown) => {
    if (error instanceof RecoveryError && error.class === 'transient') throw cause
    throw error
  })
  if (seen.satisfied) return seen
  throw cause
}

/** Until it is so, or the time is over. Not being able to look is no answer: look again. */
async function observeUntil(
  around: StepSurroundings,
  request: StepRequest,
  deadlineMs: number,
): Promise<Satisfied> {
  const { clock, signal } = around
  let seen: Json = 'nothing yet'
  for (let waitMs = firstPollMs; ; waitMs = Math.min(waitMs * 2, longestPollMs)) {
    try {
      const observation = await observeOnce(around, request, deadlineMs)
      if (observation.satisfied) return observation
      seen = observation.seen
    } catch (error) {
      signal.throwIfAborted()
      const again = error instanceof RecoveryError && ['transient', 'unknown-outcome'].includes(error.class)
      if (!again) throw error
      seen = `${error.code}: ${error.message}`
    }
    if (!around.wanted() || clock.monotonicMs() + waitMs >= deadlineMs) throw notSeen(request, seen)
    await clock.sleep(waitMs, signal)
  }
}

async function observeOnce(
  around: StepSurroundings,
  request: StepRequest,
  deadlineMs: number,
): Promise<Observation> {
  return await timed(around, request, deadlineMs, 'transient', (sent) => around.performer.observe(sent))
}

/** The performer keeps to `timeoutMs` itself; the second bound is for one that hangs. */
async function timed<T>(
  around: StepSurroundings,
  request: StepRequest,
  deadlineMs: number,
  errorClass: 'transient' | 'unknown-outcome',
  call: (request: StepRequest) => Promise<T>,
): Promise<T> {
  const { clock, signal } = around
  const timeoutMs = Math.max(1, Math.ceil(deadlineMs - clock.monotonicMs()))
  const expired = (): RecoveryError =>
    new RecoveryError({
      code: 'STEP_TIMEOUT',
      class: errorClass,
      message: `${request.action} on ${request.on} did not answer within ${timeoutMs} ms`,
      hint: 'look at the log of the agent there',
    })
  return await withTimeout(clock, timeoutMs + graceMs, expired, signal, call({ ...request, timeoutMs }))
}

const graceMs = 200

function bindRequest(around: StepSurroundings, { step, kind }: StepRun): StepRequest {
  const { outputs, authority, appliedOn } = around
  const undo = kind === 'compensate' ? step.compensation : undefined
  const { action, actionVersion, args } = undo ?? step
  const on = undo !== undefined && appliedOn !== undefined ? appliedOn : boundPlace(step, outputs)
  const bound = bindReferences(args, outputs) as ActionArgs
  return { action, actionVersion, args: bound, on, authority, timeoutMs: step.timeoutMs }
}

function boundPlace(step: Step, outputs: StepOutputs): string {
  const on = bindReferences(step.on as Json, outputs)
  if (typeof on === 'string' && on !== '') return on
  throw new RecoveryError({
    code: 'PLACE_INVALID',
    class: 'permanent',
    message: `step ${step.id} is bound to a place that is no host name: ${JSON.stringify(on)}`,
    hint: 'look at the output of the step that it refers to with `pointzero show <run>`',
  })
}

function notSeen(request: StepRequest, seen: Json): RecoveryError {
  return new RecoveryError({
    code: 'STEP_NOT_SATISFIED',
    class: 'transient',
    message: `${request.action} on ${request.on} was not seen to be done in time; last seen: ${JSON.stringify(seen).slice(0, 500)}`,
    hint: 'see what it waits for with `pointzero show <run>`',
  })
}
