import { Counters } from '../../src/simulation/counters.ts'
import type { Fault, PhaseName } from '../../src/simulation/fault.ts'
import { describeFailure } from '../../src/simulation/simulate-many.ts'
import { Simulation, simulateSeed } from '../../src/simulation/simulate.ts'
import { expandOptions } from '../../src/simulation/simulation-options.ts'
import { calm } from './simulation-support.ts'

export interface CaptureLives {
  readonly counters: Readonly<Record<string, number>>
  /** What a person needs to see the first one again; '' when none failed. */
  readonly failure: string
}

/**
 * Adoption, the archive into the rule, and what follows. The faults that the seed draws for a failover come while it is switched on, so that
 * the primary, the archive and the run itself are lost in the middle of it; those of a switchover come in the phase after it.
 */
export async function captureLives(
  first: number,
  count: number,
  after: readonly PhaseName[],
  synchronousCount: number,
): Promise<CaptureLives> {
  const counters = new Counters()
  const [next = 'capture-on'] = after
  for (let seed = first; seed < first + count; seed += 1) {
    const drawn = expandOptions(seed, { phases: ['adoption', 'failover', 'switchover'] })
    const moved = { failover: 'capture-on', switchover: next } as const
    const faults = drawn.faults.flatMap((fault): readonly Fault[] => {
      if (fault.phase !== 'failover' && fault.phase !== 'switchover') return []
      return [{ ...fault, phase: moved[fault.phase] }]
    })
    const phases: readonly PhaseName[] = ['adoption', 'capture-on', ...after]
    const result = await simulateSeed(seed, { phases, faults, capture: { synchronousCount } })
    counters.addAll(result.counters)
    if (result.failure !== undefined)
      return { counters: counters.toRecord(), failure: describeFailure(result) }
  }
  return { counters: counters.toRecord(), failure: '' }
}

/** Kills the executor right after each record of the journal in turn; returns how many there are. Throws when one ends otherwise than the rest. */
export async function everyBoundary(seed: number, direction: 'capture-on' | 'capture-off'): Promise<number> {
  const phases: readonly PhaseName[] =
    direction === 'capture-on' ? ['adoption', direction] : ['adoption', 'capture-on', direction]
  const wanted = direction === 'capture-on' ? '2 of p2,p3,wal' : '1 of p2,p3'
  // The first record opens the run: nobody executes it yet.
  for (let records = 2; ; records += 1) {
    const kill: Fault = { phase: direction, atMs: 0, forMs: 1, effect: { kind: 'kill-at-record', records } }
    const options = expandOptions(seed, { ...calm, phases, faults: [kill], capture: { synchronousCount: 1 } })
    const simulation = new Simulation(seed, options)
    const result = await simulation.toEnd()
    if (result.failure !== undefined) throw new Error(describeFailure(result))
    const { leader, leadingServer } = simulation.director.reading
    const { names, count } = leadingServer?.loadedSync ?? { names: [], count: 0 }
    const published = `${leader?.publishedCount} of ${leader?.publishedSync.join()}`
    if (published !== wanted || `${count} of ${[...names].sort().join()}` !== wanted)
      throw new Error(
        `killed at record ${records}: published ${published}, loaded ${count} of ${names.join()}`,
      )
    if ((result.counters['killed-at-record'] ?? 0) === 0) return records - 1
  }
}
