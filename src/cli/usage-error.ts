import { RecoveryError } from '../domain/recovery-error.ts'

/** The command line itself makes no sense: exit 2, before any effect. */
export function usageError(message: string, hint: string): RecoveryError {
  return new RecoveryError({ code: 'USAGE', class: 'invalid-estate', message, hint })
}
