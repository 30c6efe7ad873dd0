import { parseLsn } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'
import { usageError } from './usage-error.ts'

/** Microseconds since 1970. The zone has to be written: a time without one means something else on every machine. */
export function parseInstant(text: string): number {
  try {
    return Number(Temporal.Instant.from(text.trim().replace(' ', 'T')).epochNanoseconds / 1000n)
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

export function isLsn(text: string): boolean {
  return /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/.test(text)
}

export function lsnOption(text: string): Lsn {
  if (isLsn(text)) return parseLsn(text)
  throw usageError(`${text} is not an LSN`, 'write it as PostgreSQL prints it, for example 16/B374D848')
}
