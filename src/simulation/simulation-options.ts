import type { Fault, PhaseName } from './fault.ts'
import { SimRandom } from './sim-random.ts'
import { disaster, swarmFaults } from './swarm.ts'

/** Everything that a simulation's course depends on, beside its seed. */
export interface SimulationOptions {
  readonly phases: readonly PhaseName[]
  readonly faults: readonly Fault[]
  readonly detectMs: number
  readonly fenceMs: number
  readonly heartbeatMs: number
  readonly tickMs: number
  /** Share of the requests lost to a cut that arrive after it heals. */
  readonly lateRate: number
  readonly clients: { readonly everyUs: number; readonly cancelRate: number }
  /** After the faults of a phase everything must be whole within this much virtual time. Absent: 180 s. */
  readonly settleMs?: number
  /** What the estate declares: the control plane takes backups, and restores them as a test, this often. Absent: people do. */
  readonly schedule?: { readonly backupMs: number; readonly verificationMs: number }
  /** Commits may wait for the archive too, beside so many members. An estate that was adopted without has no such life. */
  readonly capture?: { readonly synchronousCount: number }
}

/** Most begin adopted: an estate is adopted once, and the phase costs a third of a life. */
const lives: readonly (readonly PhaseName[])[] = [
  ['adoption', 'failover', 'switchover'],
  ['failover', 'switchover'],
  ['failover', 'switchover'],
  ['failover', 'switchover'],
]

/** What is not given is drawn from the seed. */
export function expandOptions(seed: number, given: Partial<SimulationOptions>): SimulationOptions {
  const random = new SimRandom(seed).fork('options')
  const phases = given.phases ?? random.pick(lives)
  const drawn: SimulationOptions = {
    phases,
    faults: [disaster(random), ...swarmFaults(random, phases)],
    detectMs: random.pick([1000, 1400, 2000]),
    fenceMs: random.pick([800, 1500, 2500]),
    heartbeatMs: random.pick([400, 700]),
    tickMs: random.pick([400, 700]),
    lateRate: random.pick([0, 0.5, 0.9]),
    clients: { everyUs: random.pick([250_000, 500_000]), cancelRate: random.pick([0, 0, 0.3]) },
  }
  return { ...drawn, ...given }
}
