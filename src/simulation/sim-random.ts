import { assert } from '../domain/recovery-error.ts'
import type { Random } from '../ports/random.ts'

const idAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/**
 * Seeded randomness (sfc32). `fork` derives an independent stream from the seed and a name, never from how much was drawn: adding a
 * draw in one part of the simulation does not change what another part sees.
 */
export class SimRandom implements Random {
  readonly #seed: number
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.#seed = seed >>> 0
    this.#a = mix(seed ^ 0x9e37_79b9)
    this.#b = mix(this.#a ^ 0x85eb_ca6b)
    this.#c = mix(this.#b ^ 0xc2b2_ae35)
    for (let round = 0; round < 8; round += 1) this.next()
  }

  fork(name: string): SimRandom {
    return new SimRandom(mix(this.#seed ^ hashText(name)))
  }

  /** Uniform in [0, 2^32). */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  integer(bound: number): number {
    assert(bound >= 1, 'a random integer has a bound of at least one')
    return Math.floor((this.next() / 4_294_967_296) * bound)
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next() & 0xff)
  }

  idBody(length: number): string {
    let body = ''
    while (body.length < length) body += idAlphabet[this.integer(idAlphabet.length)]
    return body
  }

  between(low: number, high: number): number {
    return low + this.integer(high - low + 1)
  }

  chance(probability: number): boolean {
    return this.next() < probability * 4_294_967_296
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(items.length)]
    assert(item !== undefined, 'one is picked from a list that is not empty')
    return item
  }
}

export function hashText(text: string): number {
  let hash = 0x811c_9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193)
  }
  return hash >>> 0
}

function mix(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb_352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846c_a68b)
  return (hash ^ (hash >>> 16)) | 0
}
