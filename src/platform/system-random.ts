import { randomBytes, randomInt } from 'node:crypto'
import { assert } from '../domain/recovery-error.ts'
import type { Random } from '../ports/random.ts'

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** The system's generator. */
export class SystemRandom implements Random {
  integer(bound: number): number {
    assert(Number.isSafeInteger(bound) && bound >= 1 && bound < 2 ** 48, 'a bound from 1 to 2^48')
    return randomInt(bound)
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(randomBytes(length))
  }

  idBody(length: number): string {
    return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
  }
}
