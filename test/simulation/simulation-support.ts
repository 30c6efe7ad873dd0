import assert from 'node:assert/strict'
import type { Fault, FaultEffect, PhaseName } from '../../src/simulation/fault.ts'
import { describeFailure } from '../../src/simulation/simulate-many.ts'
import { Simulation } from '../../src/simulation/simulate.ts'
import type { SeedResult } from '../../src/simulation/simulate.ts'
import { expandOptions } from '../../src/simulation/simulation-options.ts'
import type { SimulationOptions } from '../../src/simulation/simulation-options.ts'

/** The same on every machine unless POINTZERO_SEED asks for another part of the space. */
export function baseSeed(otherwise: number): number {
  const text = process.env['POINTZERO_SEED']
  if (text === undefined || text === '') return otherwise
  assert.match(text, /^\d{1,9}$/, 'POINTZERO_SEED is a number')
  return Number(text)
}

/** A calm estate: what a scenario does not name does not happen. */
export const calm: Partial<SimulationOptions> = {
  faults: [],
  detectMs: 1000,
  fenceMs: 1500,
  heartbeatMs: 300,
  tickMs: 300,
  lateRate: 0,
  clients: { everyUs: 150_000, cancelRate: 0 },
}

export function fault(phase: PhaseName, atMs: number, forMs: number, effect: FaultEffect): Fault {
  return { phase, atMs, forMs, effect }
}

export interface Lived extends SeedResult {
  readonly simulation: Simulation
}

/** Lives one scenario to its end and fails with the replay command when anything broke. */
export async function live(seed: number, given: Partial<SimulationOptions>): Promise<Lived> {
  const simulation = new Simulation(seed, expandOptions(seed, { ...calm, ...given }))
  const result = await simulation.toEnd()
  assert.ok(result.failure === undefined, describeFailure(result))
  return { ...result, simulation }
}

export function count({ counters }: SeedResult, name: string): number {
  return counters[name] ?? 0
}

/** Longest time in which no client behind the gate was acknowledged, from the first acknowledgement on. */
export function longestGapMs({ simulation }: Lived): number {
  const acknowledged = simulation.sim.cluster.history.entries
    .filter(({ result, client }) => result === 'acknowledged' && client.startsWith('gate'))
    .map(({ endedUs }) => endedUs)
    .toSorted((left, right) => left - right)
  let longestUs = 0
  for (const [index, atUs] of acknowledged.entries()) {
    if (index > 0) longestUs = Math.max(longestUs, atUs - (acknowledged[index - 1] ?? 0))
  }
  return Math.round(longestUs / 1000)
}
