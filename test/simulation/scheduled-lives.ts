import type { RunRecord } from '../../src/engine/run-event.ts'
import { storeKeys } from '../../src/engine/store-keys.ts'
import { Counters } from '../../src/simulation/counters.ts'
import { Simulation } from '../../src/simulation/simulate.ts'
import type { SeedResult } from '../../src/simulation/simulate.ts'
import { expandOptions } from '../../src/simulation/simulation-options.ts'
import { failureOf } from './verification-lives.ts'
import type { VerificationLives } from './verification-lives.ts'

export const schedule = { backupMs: 4_000, verificationMs: 9_000 }

/** Adopted lives in which nobody asks for a backup, under the faults that the seed draws for a failover and a switchover. */
export async function scheduledLives(first: number, count: number): Promise<VerificationLives> {
  const counters = new Counters()
  for (let seed = first; seed < first + count; seed += 1) {
    const drawn = expandOptions(seed, { phases: ['failover', 'switchover'] })
    const faults = drawn.faults.map((fault) => ({ ...fault, phase: 'scheduled' as const }))
    const simulation = new Simulation(seed, expandOptions(seed, { phases: ['scheduled'], faults, schedule }))
    const result = await simulation.toEnd()
    counters.addAll(result.counters)
    const failure = failureOf(simulation, result) || scheduleFailure(simulation, result)
    if (failure !== '') return { counters: counters.toRecord(), failure }
    counters.add('snapshots', simulation.sim.vault.snapshots.length)
    counters.add('receipts', simulation.sim.vault.receipts.length)
  }
  return { counters: counters.toRecord(), failure: '' }
}

/**
 * What every life must keep, whatever its clocks did: a snapshot for every backup that was completed, and, each step of a clock forgiven one, never
 * more backups than the time has intervals.
 */
function scheduleFailure({ sim }: Simulation, { seed, options, virtualMs }: SeedResult): string {
  const begun = begunRuns(sim.durable.entries, 'backup')
  const completed = begun.filter(({ status }) => status.startsWith('completed'))
  const { length } = sim.vault.snapshots
  if (length < completed.length) return `seed ${seed}: ${completed.length} backups and ${length} snapshots`
  const forgiven = options.faults.filter(({ effect }) => effect.kind === 'clock-step').length
  const most = Math.ceil(virtualMs / schedule.backupMs) + 1 + forgiven
  return completed.length <= most
    ? ''
    : `seed ${seed}: ${completed.length} backups in ${virtualMs} ms: at most ${most} were due`
}

export interface BegunRun {
  readonly run: string
  readonly atMs: number
  readonly status: string
}

/** By the clock of who opened them. */
export function begunRuns(
  entries: ReadonlyMap<string, { readonly value: string }>,
  procedure: string,
): readonly BegunRun[] {
  const keys = storeKeys('est_simulated')
  return [...entries]
    .filter(([key]) => key.endsWith('/records/000000'))
    .flatMap(([, { value }]) => {
      const { run, atMs, event } = JSON.parse(value) as RunRecord
      if (event.type !== 'opened' || event.plan.procedure !== procedure) return []
      const head = JSON.parse(entries.get(keys.runHead(run))?.value ?? '{}') as { readonly status?: string }
      return [{ run, atMs, status: head.status ?? '' }]
    })
    .toSorted((left, right) => left.atMs - right.atMs)
}
