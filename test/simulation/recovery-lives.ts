import { describeFailure } from '../../src/simulation/simulate-many.ts'
import { Counters } from '../../src/simulation/counters.ts'
import type { Fault } from '../../src/simulation/fault.ts'
import { Simulation, simulateSeed } from '../../src/simulation/simulate.ts'
import { expandOptions } from '../../src/simulation/simulation-options.ts'
import { calm } from './simulation-support.ts'

/** A disaster that data come back from, and what counts how often they did. */
export type RecoveryPhase = keyof typeof countedAs

const countedAs = { corruption: 'recoveries', 'component-loss': 'restores' } as const

export interface RecoveryLives {
  readonly counters: Readonly<Record<string, number>>
  /** What a person needs to see the first one again; '' when none failed. */
  readonly failure: string
}

/** Adoption, then the disaster and its recovery, under the faults that the seed draws for a failover and a switchover. */
export async function recoveryLives(
  first: number,
  count: number,
  phase: RecoveryPhase,
): Promise<RecoveryLives> {
  const counters = new Counters()
  for (let seed = first; seed < first + count; seed += 1) {
    const drawn = expandOptions(seed, { phases: ['adoption', 'failover', 'switchover'] })
    const faults = drawn.faults
      .slice(1)
      .map((fault) => (fault.phase === 'adoption' ? fault : { ...fault, phase }))
    const result = await simulateSeed(seed, { phases: ['adoption', phase], faults })
    counters.addAll(result.counters)
    if (result.failure !== undefined)
      return { counters: counters.toRecord(), failure: describeFailure(result) }
  }
  return { counters: counters.toRecord(), failure: '' }
}

/** Kills the executor right after each record of the journal in turn; returns how many there are. Throws when one ends otherwise than the rest. */
export async function everyBoundary(seed: number, phase: RecoveryPhase): Promise<number> {
  const phases = ['adoption', phase] as const
  // The first record opens the run: nobody executes it yet.
  for (let records = 2; ; records += 1) {
    const kill: Fault = { phase, atMs: 0, forMs: 1, effect: { kind: 'kill-at-record', records } }
    const simulation = new Simulation(seed, expandOptions(seed, { ...calm, phases, faults: [kill] }))
    const result = await simulation.toEnd()
    if (result.failure !== undefined) throw new Error(describeFailure(result))
    const leading = simulation.director.reading.leadingServer?.name
    const recovered = result.counters[countedAs[phase]] ?? 0
    if (leading !== 'p1' || recovered !== 1)
      throw new Error(`killed at record ${records}: ${leading} leads after ${recovered} recoveries`)
    // So many were never written: whoever executed, the control plane among them, died at each that was.
    if ((result.counters['killed-at-record'] ?? 0) === 0) return records - 1
  }
}
