import { RecoveryError } from './recovery-error.ts'

/**
 * A position in PostgreSQL's write-ahead log in its text form, high and low 32 bits in upper-case hex
 * without leading zeros: `16/B374D848` (PostgreSQL 8.20, pg_lsn). A byte offset, 0 to 2^64 - 1.
 */
export type Lsn = string & { readonly lsn: unique symbol }

const form = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/

export const lsnZero = '0/0' as Lsn

/** What `parseLsn` accepts. */
export function isLsn(text: string): boolean {
  return form.test(text)
}

/** Accepts any case and leading zeros, returns the canonical form. */
export function parseLsn(text: string): Lsn {
  const match = form.exec(text)
  if (match === null) {
    throw new RecoveryError({
      code: 'LSN_INVALID',
      class: 'permanent',
      message: `not an LSN: ${JSON.stringify(text)}`,
      hint: 'write it as PostgreSQL prints it, for example 16/B374D848',
    })
  }
  return lsnFromBigint((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`))
}

export function lsnToBigint(lsn: Lsn): bigint {
  const [high, low] = lsn.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

export function lsnFromBigint(bytes: bigint): Lsn {
  const text = `${(bytes >> 32n).toString(16)}/${(bytes & 0xffff_ffffn).toString(16)}`
  return text.toUpperCase() as Lsn
}

/** Negative when left is earlier. */
export function compareLsn(left: Lsn, right: Lsn): number {
  const a = lsnToBigint(left)
  const b = lsnToBigint(right)
  return a < b ? -1 : a > b ? 1 : 0
}

export function lsnMax(left: Lsn, right: Lsn): Lsn {
  return compareLsn(left, right) >= 0 ? left : right
}
