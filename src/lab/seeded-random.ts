export interface SeededRandom {
  /** Uniform integer in [0, bound). */
  integer(bound: number): number
  /** In [0, 1). */
  fraction(): number
}

/** Mulberry32: the same seed gives the same workload and the same fault on any machine. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    integer: (bound) => Math.floor((next() / 0x1_0000_0000) * bound),
    fraction: () => next() / 0x1_0000_0000,
  }
}
