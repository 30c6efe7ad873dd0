import { describeFailure } from '../../src/simulation/simulate-many.ts'
import { Counters } from '../../src/simulation/counters.ts'
import type { Fault } from '../../src/simulation/fault.ts'
import { Simulation, simulateSeed } from '../../src/simulation/simulate.ts'
import { expandOptions } from '../../src/simulation/simulation-options.ts'
import { calm } from './simulation-support.ts'

const phases = ['adoption', 'corruption'] as const

export interface RecoveryLives {
  readonly counters: Readonly<Record<string, number>>
  /** What a person needs to see the first one again; '' when none failed. */
  readonly failure: string
}

/** Adoption, then a recovery to a point in time, under the faults that the seed draws for a failover and a switchover. */
export async function recoveryLives(first: number, count: number): Promise<RecoveryLives> {
  const counters = new Counters()
  for (let seed = first; seed < first + count; seed += 1) {
    const drawn = expandOptions(seed, {})
    const faults = drawn.faults
      .slice(1)
      .map((fault) => (fault.phase === 'adoption' ? fault : { ...fault, phase: 'corruption' as const }))
    const result = await simulateSeed(seed, { phases, faults })
    counters.addAll(result.counters)
    if (result.failure !== undefined)
      return { counters: counters.toRecord(), failure: describeFailure(result) }
  }
  return { counters: counters.toRecord(), failure: '' }
}

/** Kills the executor right after each record of the journal in turn; returns how many there are. Throws when one ends otherwise than the rest. */
export async function everyBoundary(seed: number): Promise<number> {
  // The first record opens the run: nobody executes it yet.
  for (let records = 2; ; records += 1) {
    const kill: Fault = {
      phase: 'corruption',
      atMs: 0,
      forMs: 1,
      effect: { kind: 'kill-at-record', records },
    }
    const simulation = new Simulation(seed, expandOptions(seed, { ...calm, phases, faults: [kill] }))
    const result = await simulation.toEnd()
    if (result.failure !== undefined) throw new Error(describeFailure(result))
    const leading = simulation.director.reading.leadingServer?.name
    const { recoveries = 0 } = result.counters
    if (leading !== 'p1' || recoveries !== 1)
      throw new Error(`killed at record ${records}: ${leading} leads after ${recoveries} recoveries`)
    // Nobody took over, so the run had ended before its executor could die.
    if ((result.counters['resumed-by-a-person'] ?? 0) === 0) return records - 1
  }
}
