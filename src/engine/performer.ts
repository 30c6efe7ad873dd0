import type { Authority, ActionArgs, Observation } from './action.ts'

export interface StepRequest {
  readonly action: string
  readonly actionVersion: number
  /** Fully bound: no references left. */
  readonly args: ActionArgs
  /** Host name or `control`. */
  readonly on: string
  readonly authority: Authority
  readonly timeoutMs: number
  /** To apply: what the look gave that it was decided from. */
  readonly ticket?: string
}

/** Performs one phase of one step wherever it belongs: on the executor itself or through an agent. Errors are RecoveryErrors. */
export interface Performer {
  observe(request: StepRequest): Promise<Observation>
  /** Refused with TICKET_STALE (transient, certainly no effect) when something else happened to the target since the look. */
  apply(request: StepRequest): Promise<void>
  /** Tells every reachable place about the executor's epoch before the first effect, so that an older executor is refused. */
  announce(scope: string, epoch: number): Promise<void>
}
