import type { Json } from '../domain/canonical-json.ts'
import type { Lsn } from '../domain/lsn.ts'

/** One place in the WAL that a database is brought back to, as a plan holds it. */
export interface RecoveryGoal {
  /** The snapshot that it starts from. */
  readonly snapshot: string
  readonly timeline: number
  /** recovery_target_lsn and recovery_target_inclusive. */
  readonly lsn: Lsn
  readonly inclusive: boolean
  /** Where replay stands afterwards. */
  readonly reached: Lsn
}

/** Where a recovery is to go, as a rule: what it means is known when it is asked for. */
export interface WantedGoal {
  /** See KeptCopies.resolve. */
  readonly target: string
  /** An id, or `newest`. */
  readonly snapshot: string
}

/** What was asked of the owner's data: a query, and the one value that it must return. */
export interface OwnedInvariant {
  readonly name: string
  readonly query: string
  readonly equals: string
}

/**
 * What has been done of one recovery, in this order; `exported` is beside it. Each is believed only with its report, and the report is
 * written after what it says was observed.
 */
export type RecoveryStage = 'exported' | 'restored' | 'replayed' | 'checked' | 'finished' | 'installed'

export type StageReport = Readonly<Record<string, Json>>

/**
 * Brings the database of one member back in a place of its own beside it, and puts it there when that is asked for. Nothing else
 * of the host is touched before `install`: the member's directory is neither read as a source nor changed. Every effect may be asked for again after
 * it was interrupted anywhere, and goes on or begins anew. Effects on one run never overlap (the agent takes turns).
 *
 * Errors: RECOVERY_* and those of vault, archive and database ports. What lacks in the copies is `permanent` or `refused`; a source that does not
 * answer is `transient`.
 */
export interface DatabaseRecovery {
  /** The goal that the rule means now. VAULT_SNAPSHOT_UNKNOWN and TARGET_UNREACHABLE (refused). */
  choose(wanted: WantedGoal): Promise<RecoveryGoal>
  /** TARGET_UNREACHABLE (refused) when archive and vault do not lead there any more, or lead elsewhere than the plan says. */
  resolve(goal: RecoveryGoal): Promise<StageReport>
  /** The report of a stage that is done and still holds; `undefined` otherwise. Quick: at most a second. */
  report(run: string, stage: RecoveryStage): Promise<StageReport | undefined>
  /** From the database that is to be replaced, while it runs: the rows that transactions after the goal wrote. */
  export(run: string, goal: RecoveryGoal): Promise<void>
  /** The snapshot, and the WAL from it to the goal, into an empty place. */
  restore(run: string, goal: RecoveryGoal): Promise<void>
  /** Replays in isolation and stands at the goal, still in recovery. */
  replay(run: string, goal: RecoveryGoal): Promise<void>
  /** Opens the copy in isolation on a timeline that nobody ever had, and reads all of it. A difference is RECOVERY_CHECK_FAILED (permanent). */
  check(run: string, goal: RecoveryGoal, invariants: readonly OwnedInvariant[]): Promise<void>
  /** After nobody writes any more: sequences are raised above every value that was handed out after the goal, and the copy ends cleanly. */
  finish(run: string, goal: RecoveryGoal): Promise<void>
  /** The member's directory is kept under another name, and the copy takes its place. The member is stopped. */
  install(run: string): Promise<void>
  /** Whether anything of this run lies on the host. */
  exists(run: string): Promise<boolean>
  /** Ends the isolated server and removes what this run restored. Refused once it is installed. */
  discard(run: string): Promise<void>
}
