import type { Json } from '../domain/canonical-json.ts'
import type { ErrorRecord } from '../domain/recovery-error.ts'
import type { Plan } from '../domain/plan.ts'
import type { Approval, StandingApproval } from './approval.ts'
import type { DeclaredPermission } from './declared-permission.ts'

/** What a run journal is made of. Intent is appended before its effect, outcome after it (law 6). */
export type RunEvent =
  | {
      readonly type: 'opened'
      readonly plan: Plan
      readonly planHash: string
      readonly requestedBy: string
      readonly approvals: readonly Approval[]
      /** The one that allowed an automatic run. */
      readonly standing?: StandingApproval
      /** What the owner declared that allowed a run by schedule. */
      readonly declared?: DeclaredPermission
      /** Monotone facts about the disaster that the watch measured before the run: stamps in wall ms, from the deciding host. */
      readonly detection?: Json
    }
  | { readonly type: 'took-over'; readonly executor: string; readonly scope: string; readonly epoch: number }
  | {
      readonly type: 'intent'
      readonly step: string
      readonly attempt: number
      readonly kind: 'apply' | 'compensate'
      readonly on: string
      readonly args: Readonly<Record<string, Json>>
    }
  | {
      readonly type: 'outcome'
      readonly step: string
      readonly attempt: number
      /** Absent = apply. */
      readonly kind?: 'apply' | 'compensate'
      readonly result: 'done' | 'satisfied' | 'failed' | 'compensated'
      readonly proof?: Json
      readonly output?: Readonly<Record<string, Json>>
      readonly error?: ErrorRecord
      readonly elapsedMs: number
    }
  | { readonly type: 'paused'; readonly by: string }
  | { readonly type: 'continued'; readonly by: string }
  | { readonly type: 'cancel-requested'; readonly by: string }
  | {
      readonly type: 'finished'
      readonly status: RunStatus
      /** Steps that did not get done, each with the reason: never empty for `completed-with-gaps`. */
      readonly missing: readonly MissingStep[]
      /** The step after whose intent nothing was rolled back any more; absent when none was reached. */
      readonly pointOfNoReturn?: string
    }

export interface MissingStep {
  readonly step: string
  readonly reason: string
}

export type RunStatus =
  | 'completed'
  | 'completed-with-gaps'
  | 'failed'
  | 'refused'
  | 'rolled-back'
  | 'cancelled-after-point-of-no-return'

/** One line of the journal. `hash` covers every other member; `prev` chains it to the record before. */
export interface RunRecord {
  readonly format: 'pointzero/run-journal/1'
  readonly run: string
  readonly seq: number
  /** Wall ms at the writer: for people, never compared. */
  readonly atMs: number
  /** Executor or principal that wrote it. */
  readonly writer: string
  readonly prev: string
  readonly event: RunEvent
  readonly hash: string
}
