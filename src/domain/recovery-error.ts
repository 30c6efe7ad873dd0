/** What the executor does about an error is decided by its class alone (DESIGN §4). */
export type ErrorClass =
  /** retry within the step's policy */
  | 'transient'
  /** the effect may have happened: run the step's verify before anything else */
  | 'unknown-outcome'
  /** stop and ask for a recorded override */
  | 'refused'
  /** go to the compensation */
  | 'permanent'
  /** exit before any effect, with file:line:col */
  | 'invalid-estate'
  /** crash; the run journal survives */
  | 'bug'

export interface RecoveryErrorFields {
  /** Stable, upper snake case, listed in docs/reference/errors.md. */
  readonly code: string
  readonly class: ErrorClass
  readonly message: string
  /** The command to run next, or what to change. */
  readonly hint: string
  readonly cause?: unknown
  readonly context?: Readonly<Record<string, string | number | boolean>>
}

/** The only error type that crosses a port. */
export class RecoveryError extends Error {
  readonly code: string
  readonly class: ErrorClass
  readonly hint: string
  readonly context: Readonly<Record<string, string | number | boolean>>

  constructor(fields: RecoveryErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.name = 'RecoveryError'
    this.code = fields.code
    this.class = fields.class
    this.hint = fields.hint
    this.context = fields.context ?? {}
  }
}

/** The wire and journal form of an error: no stack, no cause, nothing secret. */
export interface ErrorRecord {
  readonly code: string
  readonly class: ErrorClass
  readonly message: string
  readonly hint: string
}

export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof RecoveryError) {
    return { code: error.code, class: error.class, message: error.message, hint: error.hint }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    code: 'BUG',
    class: 'bug',
    message,
    hint: 'report this with the output of `pointzero show <run> --json`',
  }
}

export function fromErrorRecord(record: ErrorRecord): RecoveryError {
  return new RecoveryError(record)
}

/** What must hold at this point, or the process stops: a broken invariant is a bug, never a retry. */
export function assert(condition: boolean, whatHolds: string): asserts condition {
  if (!condition) {
    throw new RecoveryError({
      code: 'ASSERTION_FAILED',
      class: 'bug',
      message: `invariant broken: ${whatHolds}`,
      hint: 'report this with the output of `pointzero show <run> --json`',
    })
  }
}
