import { RecoveryError } from '../domain/recovery-error.ts'
import type { StoreTransaction } from './control-store.ts'

/** What every control store accepts: the defaults of etcd, so that a plan that works on one works on the other. */
export const operationsMax = 128
export const valueBytesMax = 1_048_576
export const transactionBytesMax = 1_572_864
const keyForm = /^[\x21-\x7e]{1,400}$/

/** A transaction beyond the limits is a bug of its author; no store performs it. */
export function checkTransaction({ compare, put }: StoreTransaction): void {
  const operations = compare.length + put.length
  limit(operations <= operationsMax, `${operations} operations; the most is ${operationsMax}`)
  limit(new Set(put.map(({ key }) => key)).size === put.length, 'one key is put twice')
  for (const { key } of [...compare, ...put])
    if (!keyForm.test(key)) limit(false, `a key is 1 to 400 of ASCII, not ${JSON.stringify(key)}`)
  let total = 0
  for (const { key, value } of put) {
    // A UTF-16 unit is at most three bytes; counting exactly is for what might be too large.
    const bytes =
      value.length * 3 <= valueBytesMax / 4 ? value.length : new TextEncoder().encode(value).length
    limit(bytes <= valueBytesMax, `the value of ${key} has ${bytes} bytes; the most is ${valueBytesMax}`)
    total += bytes
  }
  limit(total <= transactionBytesMax, `${total} bytes; the most is ${transactionBytesMax}`)
}

function limit(holds: boolean, problem: string): void {
  if (holds) return
  throw new RecoveryError({
    code: 'STORE_LIMIT',
    class: 'bug',
    message: `a control-store transaction is out of bounds: ${problem}`,
    hint: 'report this with the output of `pointzero show <run> --json`',
  })
}
