import { RecoveryError } from '../domain/recovery-error.ts'
import type { ErrorClass } from '../domain/recovery-error.ts'
import type { RunStatus } from '../engine/run-event.ts'

/** How the command ended, for scripts. The same for every command (docs/reference/exit-codes.md). */
export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3, waiting: 4, leaseHeld: 5 } as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

const byClass: Readonly<Record<ErrorClass, ExitCode>> = {
  'invalid-estate': exitCodes.usage,
  refused: exitCodes.refused,
  transient: exitCodes.failed,
  'unknown-outcome': exitCodes.failed,
  permanent: exitCodes.failed,
  bug: exitCodes.failed,
}

/** Two refusals mean something more precise: a person is asked, or another executor is at work. */
export const exitCodesByErrorCode: Readonly<Record<string, ExitCode>> = {
  APPROVAL_MISSING: exitCodes.waiting,
  RUN_OPEN: exitCodes.leaseHeld,
  RUN_SUPERSEDED: exitCodes.leaseHeld,
  EPOCH_SUPERSEDED: exitCodes.leaseHeld,
  EPOCH_STALE: exitCodes.leaseHeld,
}

/** The only place where an error becomes an exit code. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof RecoveryError)) return exitCodes.failed
  return exitCodesByErrorCode[error.code] ?? byClass[error.class]
}

const byStatus: Readonly<Record<RunStatus, ExitCode>> = {
  completed: exitCodes.done,
  'completed-with-gaps': exitCodes.done,
  failed: exitCodes.failed,
  refused: exitCodes.refused,
  'rolled-back': exitCodes.failed,
  'cancelled-after-point-of-no-return': exitCodes.failed,
}

export function exitCodeOfRun(status: RunStatus): ExitCode {
  return byStatus[status]
}
