import { RecoveryError } from '../../domain/recovery-error.ts'

export function unreachable(member: string, message: string, cause?: unknown): RecoveryError {
  return new RecoveryError({
    code: 'PG_UNREACHABLE',
    class: 'transient',
    message: `${member}: ${message}`,
    hint: 'run `pointzero status` and look at the member; its log file names the reason',
    cause,
  })
}

export function outcomeUnknown(member: string, message: string, cause?: unknown): RecoveryError {
  return new RecoveryError({
    code: 'PG_OUTCOME_UNKNOWN',
    class: 'unknown-outcome',
    message: `${member}: ${message}`,
    hint: 'observe the member before anything else: `pointzero status`',
    cause,
  })
}

export function identityRefused(member: string, found: string, expected: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_IDENTITY',
    class: 'refused',
    message: `${member} is the cluster ${found}, not ${expected}; nothing was changed`,
    hint: 'compare addresses, ports and data directories in estate.yaml with `pg_controldata` on the host',
    context: { found, expected },
  })
}

export function permanent(code: string, message: string, hint: string, cause?: unknown): RecoveryError {
  return new RecoveryError({ code, class: 'permanent', message, hint, cause })
}

export function refused(code: string, message: string, hint: string): RecoveryError {
  return new RecoveryError({ code, class: 'refused', message, hint })
}

/** SQLSTATE of an error that the server sent, '' for any other. */
export function sqlStateOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E') ? code : ''
}

/** A certificate that does not fit, or none at all, is not worth a retry: somebody has to look. */
export function isTlsRefusal(error: unknown): boolean {
  const { code = '', message = '' } = (error ?? {}) as { readonly code?: string; readonly message?: string }
  return (
    /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)/.test(
      code,
    ) || message === 'The server does not support SSL connections'
  )
}

/** An error of the `pg` package, in our classes. */
export function classify(member: string, error: unknown): RecoveryError {
  if (error instanceof RecoveryError) return error
  const state = sqlStateOf(error)
  const message = error instanceof Error ? error.message : String(error)
  if (isTlsRefusal(error)) {
    const hint =
      'compare `tls` of both agents and the certificate that the server shows (docs/operate/security.md)'
    return permanent('PG_TLS_FAILED', `${member}: TLS failed: ${message}`, hint, error)
  }
  if (state === '' || state.startsWith('57P') || state.startsWith('08') || state.startsWith('53')) {
    return unreachable(member, message, error)
  }
  if (state.startsWith('28')) {
    const hint = 'compare user, passwordRef and pg_hba.conf, then `pointzero check`'
    return permanent('PG_AUTHENTICATION', `${member}: ${message}`, hint, error)
  }
  const hint = 'look at the log file of the member for the statement'
  return permanent('PG_SQL_FAILED', `${member}: ${message} (SQLSTATE ${state})`, hint, error)
}

/** Only RecoveryErrors cross the port: what files and processes of the host threw becomes one. */
export async function crossPort<T>(member: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RecoveryError) throw error
    const hint = 'look at disk space, permissions and mounts of the data directory on the host'
    throw permanent('PG_HOST_FAILURE', `${member}: ${String(error)}`, hint, error)
  }
}
