import type { Fault } from './fault.ts'
import { simulateSeed } from './simulate.ts'
import type { SeedResult } from './simulate.ts'

/**
 * The same failure with as few faults as possible: delta debugging over the list of faults. Same failure = same invariant. Needs about
 * n log n simulations.
 */
export async function shrink(result: SeedResult): Promise<SeedResult> {
  const { failure } = result
  if (failure === undefined) return result
  let best = result
  let parts = 2
  while (best.options.faults.length > 1 && parts <= best.options.faults.length) {
    const smaller = await firstFailing(best, parts, failure.invariant)
    if (smaller === undefined) parts *= 2
    else {
      best = smaller
      parts = Math.max(2, parts - 1)
    }
  }
  return best
}

/** Leaves out one part after the other; undefined when each of them is needed. */
async function firstFailing(
  result: SeedResult,
  parts: number,
  invariant: string,
): Promise<SeedResult | undefined> {
  const { faults } = result.options
  const size = Math.ceil(faults.length / parts)
  for (let from = 0; from < faults.length; from += size) {
    const kept: readonly Fault[] = [...faults.slice(0, from), ...faults.slice(from + size)]
    const tried = await simulateSeed(result.seed, { ...result.options, faults: kept })
    if (tried.failure?.invariant === invariant) return tried
  }
  return undefined
}
