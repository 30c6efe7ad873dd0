import { instantMicroseconds } from '../domain/instant.ts'
import { isLsn, parseLsn } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'
import { usageError } from './usage-error.ts'

/** Microseconds since 1970. */
export function parseInstant(text: string): number {
  try {
    return instantMicroseconds(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw usageError(
      `${text} is not an instant: ${why}`,
      'write it with its zone, as 2026-11-21T14:03:07.412Z',
    )
  }
}

export function parseCount(text: string, what: string): number {
  const count = Number(text)
  if (/^\d{1,10}$/.test(text)) return count
  throw usageError(`${what} ${text} is not a whole number`, `give ${what} as digits`)
}

export function lsnOption(text: string): Lsn {
  if (isLsn(text)) return parseLsn(text)
  throw usageError(`${text} is not an LSN`, 'write it as PostgreSQL prints it, for example 16/B374D848')
}
