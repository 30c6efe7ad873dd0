import { Counters } from './counters.ts'
import { simulateSeed } from './simulate.ts'
import type { SeedResult } from './simulate.ts'
import type { SimulationOptions } from './simulation-options.ts'

export interface ManyResult {
  readonly seeds: number
  readonly events: number
  readonly virtualMs: number
  readonly counters: Readonly<Record<string, number>>
  readonly failures: readonly SeedResult[]
}

/** Seeds one after the other, from `first` on. Stops early once `failuresMax` have failed. */
export async function simulateMany(
  first: number,
  count: number,
  given: Partial<SimulationOptions> = {},
  failuresMax = 5,
): Promise<ManyResult> {
  const counters = new Counters()
  const failures: SeedResult[] = []
  let events = 0
  let virtualMs = 0
  let seeds = 0
  while (seeds < count && failures.length < failuresMax) {
    const result = await simulateSeed(first + seeds, given)
    seeds += 1
    events += result.events
    virtualMs += result.virtualMs
    counters.addAll(result.counters)
    if (result.failure !== undefined) failures.push(result)
  }
  return { seeds, events, virtualMs, counters: counters.toRecord(), failures }
}

/** What a person needs to see it happen again, and to look into it. */
export function describeFailure({ seed, options, traceHash, failure }: SeedResult): string {
  if (failure === undefined) return `seed ${seed}: passed, trace ${traceHash}`
  return [
    `seed ${seed} at ${(failure.atMs / 1000).toFixed(3)} s: ${failure.message}`,
    `replay it: pointzero simulate --seed ${seed} --options '${JSON.stringify(options)}'`,
    `trace ${traceHash}; the end of its log:`,
    ...failure.log.slice(-25).map((line) => `  ${line.slice(0, 240)}`),
  ].join('\n')
}
