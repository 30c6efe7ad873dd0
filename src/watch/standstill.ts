import { decide } from '../engine/decide.ts'
import type { RunState } from '../engine/run-state.ts'

export interface StandstillInput {
  /** The run that holds the scope, while nobody is served and a failover is left to no person. */
  readonly state: RunState
  /** Label of the member that leads. */
  readonly leader: string
  /** Detected; else it only does not do what it should, as one does that is being switched to. */
  readonly isLeaderDown: boolean
  /** How long nothing was added to its journal, by the deciding process's monotonic clock. */
  readonly quietMs: number
}

export type StandstillDecision =
  | { readonly takeOver: false; readonly reason: string }
  /** Another executor goes on with it, forward or back, whichever its journal says after it was cancelled or not. */
  | { readonly takeOver: true; readonly cancel: boolean; readonly reason: string }

/** What becomes of a run whose executor is gone, by its procedure. Any other is left to people. */
const undone: ReadonlySet<string> = new Set(['switchover', 'synchronous-capture'])
const goneOnWith: ReadonlySet<string> = new Set(['zone-failover', 'reprotect'])
/** For one that brings back a standby of a leader that is gone: nothing of it is worth waiting for. */
const uselessMs = 5_000
/** After the longest that a step may take, an executor that lives has written what became of it. */
const deadMarginMs = 30_000

/**
 * What becomes of a run that stands still while a failover waits for its scope. The executor of a switchover, of a failover, of a changed rule, or of a leader
 * that is opened again is believed to be alive as long as its steps may take; then its run is taken over. A recovery from copies stops the leader itself
 * and may take hours: it is left to the people who asked for it, and so is whatever somebody paused. Pure.
 */
export function decideStandstill(input: StandstillInput): StandstillDecision {
  const { state, leader, isLeaderDown, quietMs } = input
  const { procedure, parameters } = state.plan
  if (state.paused) return left('somebody paused it')
  const mayCancel = state.pointOfNoReturn === undefined && state.rollback === undefined
  if (isLeaderDown && procedure === 'reprotect' && parameters['member'] !== leader) {
    if (quietMs < uselessMs) return left('it may end by itself')
    return { takeOver: true, cancel: mayCancel, reason: `${leader}, which its standby would follow, is down` }
  }
  const isUndone = undone.has(procedure)
  if (!isUndone && !goneOnWith.has(procedure)) return left('it is left to the people who asked for it')
  if (quietMs < longestMs(state) + deadMarginMs) return left('its executor may be alive')
  const reason = `nothing happened in it for ${Math.round(quietMs / 1_000)} s: its executor is gone`
  return { takeOver: true, cancel: mayCancel && isUndone, reason }
}

/** Of the steps that may be under way now. */
function longestMs(state: RunState): number {
  return decide(state, new Set()).reduce(
    (longest, request) =>
      request.type === 'run-step' ? Math.max(longest, request.step.timeoutMs + request.waitMs) : longest,
    0,
  )
}

function left(reason: string): StandstillDecision {
  return { takeOver: false, reason }
}
