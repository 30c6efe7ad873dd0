import { describeFailure } from '../../src/simulation/simulate-many.ts'
import { Counters } from '../../src/simulation/counters.ts'
import type { Fault } from '../../src/simulation/fault.ts'
import { Simulation } from '../../src/simulation/simulate.ts'
import type { SeedResult } from '../../src/simulation/simulate.ts'
import { expandOptions } from '../../src/simulation/simulation-options.ts'
import { calm } from './simulation-support.ts'

const phases = ['adoption', 'verification'] as const

export interface VerificationLives {
  readonly counters: Readonly<Record<string, number>>
  /** What a person needs to see the first one again; '' when none failed. */
  readonly failure: string
}

/** Adoption, then a restore test under the faults that the seed draws for a failover and a switchover; the primary's zone is lost in half of them. */
export async function verificationLives(first: number, count: number): Promise<VerificationLives> {
  const counters = new Counters()
  for (let seed = first; seed < first + count; seed += 1) {
    const drawn = expandOptions(seed, { phases: ['adoption', 'failover', 'switchover'] })
    const faults = drawn.faults
      .slice(seed % 2)
      .map((fault) => (fault.phase === 'adoption' ? fault : { ...fault, phase: 'verification' as const }))
    const simulation = new Simulation(seed, expandOptions(seed, { phases, faults }))
    const result = await simulation.toEnd()
    counters.addAll(result.counters)
    const failure = failureOf(simulation, result)
    if (failure !== '') return { counters: counters.toRecord(), failure }
    counters.add('receipts', simulation.sim.vault.receipts.length)
  }
  return { counters: counters.toRecord(), failure: '' }
}

/** Kills the executor right after each record of the journal in turn; returns how many there are. Throws when one ends otherwise than the rest. */
export async function everyBoundary(seed: number): Promise<number> {
  // The first record opens the run: nobody executes it yet.
  for (let records = 2; ; records += 1) {
    const effect = { kind: 'kill-at-record', records } as const
    const kill: Fault = { phase: 'verification', atMs: 0, forMs: 1, effect }
    const simulation = new Simulation(seed, expandOptions(seed, { ...calm, phases, faults: [kill] }))
    const result = await simulation.toEnd()
    const failure = failureOf(simulation, result)
    if (failure !== '') throw new Error(failure)
    const { receipts } = simulation.sim.vault
    if (receipts.length !== 1) throw new Error(`killed at record ${records}: ${receipts.length} receipts`)
    // Nobody took over, so the run had ended before its executor could die.
    if ((result.counters['resumed-by-a-person'] ?? 0) === 0) return records - 1
  }
}

/** Beside what every life must keep: one receipt a run, nothing left of a sandbox, and nobody blamed for what others changed. */
export function failureOf({ sim, director }: Simulation, result: SeedResult): string {
  if (result.failure !== undefined) return describeFailure(result)
  const runs = sim.vault.receipts.map(({ run }) => run)
  if (new Set(runs).size !== runs.length) return `seed ${result.seed}: a run has two receipts`
  const journals = [...sim.durable.entries].filter(([key]) => key.includes('/records/'))
  const journal = (run: string): string =>
    journals
      .filter(([key]) => key.includes(`/${run}/`))
      .map(([, { value }]) => value)
      .join('\n')
  const left = [...sim.cluster.recoverySetting.copies.keys()].filter((key) => {
    const run = key.split(' ').at(-1) ?? ''
    // One that is under way when the life ends has its sandbox; one that could not be undone says so, and waits for a person.
    const { status } = director.reading.head(run) ?? {}
    return status !== 'open' && status !== 'paused' && !journal(run).includes('could not be undone')
  })
  if (left.length > 0) return `seed ${result.seed}: sandboxes are left: ${left.join(', ')}`
  const blamed = journals.find(([, { value }]) => value.includes('"PRODUCTION_TOUCHED"'))
  return blamed === undefined ? '' : `seed ${result.seed}: blamed for what it did not do: ${blamed[1].value}`
}
