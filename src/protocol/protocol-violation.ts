import { RecoveryError } from '../domain/recovery-error.ts'

/** The peer sent what the protocol does not allow: another kind of server, a damaged connection, or an attack. Never retried blindly. */
export function protocolViolation(
  message: string,
  context?: Readonly<Record<string, string | number>>,
): RecoveryError {
  return new RecoveryError({
    code: 'PG_PROTOCOL_VIOLATION',
    class: 'permanent',
    message: `PostgreSQL protocol: ${message}`,
    hint: 'check that address and port belong to PostgreSQL 15 or newer: `pg_isready -h <host> -p <port>`',
    ...(context === undefined ? {} : { context }),
  })
}
