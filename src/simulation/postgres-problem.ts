import { RecoveryError } from '../domain/recovery-error.ts'

export function transient(message: string): RecoveryError {
  return new RecoveryError({ code: 'PG_UNREACHABLE', class: 'transient', message, hint: 'it is tried again' })
}

export function permanent(code: `PG_${string}`, message: string): RecoveryError {
  return new RecoveryError({ code, class: 'permanent', message, hint: 'look at the server log' })
}

export function outcomeUnknown(name: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_OUTCOME_UNKNOWN',
    class: 'unknown-outcome',
    message: `the session on ${name} ended before it answered`,
    hint: 'the effect is observed before it is tried again',
  })
}

export function isPrimary(name: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_IS_PRIMARY',
    class: 'refused',
    message: `${name} runs as a primary`,
    hint: 'fence it first: a primary is never restarted behind its clients',
  })
}
