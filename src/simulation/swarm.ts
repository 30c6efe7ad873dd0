import type { Fault, FaultEffect, FaultPlace, PhaseName, ProcessKind } from './fault.ts'
import type { SimRandom } from './sim-random.ts'

const zones = ['az1', 'az2', 'az3'] as const
const places: readonly FaultPlace[] = [
  'leader-zone',
  'leader-zone',
  'standby-zone',
  'standby-zone',
  ...zones,
  'ctl',
  'client',
]
const processes: readonly ProcessKind[] = [
  'agent',
  'agent',
  'control-plane',
  'executor',
  'executor',
  'postgres',
]
const commands = ['pause', 'continue', 'cancel', 'resume', 'run-again'] as const
const usual: readonly PhaseName[] = [
  'adoption',
  'failover',
  'failover',
  'failover',
  'switchover',
  'switchover',
]

type Maker = (random: SimRandom) => FaultEffect

const makers: Readonly<Record<FaultEffect['kind'], Maker>> = {
  'host-crash': (random) => ({ kind: 'host-crash', place: random.pick(places) }),
  'process-kill': (random) => ({
    kind: 'process-kill',
    process: random.pick(processes),
    place: random.pick(places),
  }),
  'kill-at-await': (random) => ({
    kind: 'kill-at-await',
    process: random.pick(['executor', 'control-plane']),
    awaits: random.between(1, 120),
  }),
  'kill-at-record': (random) => ({ kind: 'kill-at-record', records: random.between(1, 30) }),
  'process-pause': (random) => ({
    kind: 'process-pause',
    process: random.pick(processes),
    place: random.pick(places),
  }),
  'host-pause': (random) => ({ kind: 'host-pause', place: random.pick(places) }),
  partition: (random) => {
    const place = random.pick(places)
    return { kind: 'partition', place, from: random.pick(['everybody', 'ctl', 'client', ...zones]) }
  },
  'partition-one-way': (random) => {
    const place = random.pick(places)
    return { kind: 'partition-one-way', place, direction: random.pick(['out', 'in']) }
  },
  'clock-step': (random) => {
    const byMs = random.pick([-3_600_000, -1000, 1000, 300_000, 3_600_000])
    return { kind: 'clock-step', place: random.pick(places), byMs }
  },
  disk: (random) => {
    const place = random.pick(places)
    return {
      kind: 'disk',
      place,
      after: random.integer(6),
      count: random.between(1, 12),
      code: random.pick(['ENOSPC', 'EIO']),
    }
  },
  weather: (random) => ({
    kind: 'weather',
    lossRate: random.pick([0, 0.02, 0.1]),
    replyLossRate: random.pick([0, 0.05, 0.2]),
    duplicateRate: random.pick([0, 0.05, 0.2]),
    slowRate: random.pick([0, 0.05, 0.2]),
    slowUs: random.pick([20_000, 200_000, 1_000_000]),
  }),
  'reply-lost': (random) => ({
    kind: 'reply-lost',
    method: random.pick(['store/transact', 'store/transact', 'agent/action-apply', 'agent/action-observe']),
    count: random.between(1, 8),
  }),
  'replay-pause': (random) => ({ kind: 'replay-pause', place: random.pick(['standby-zone', ...zones]) }),
  operator: (random) => ({ kind: 'operator', command: random.pick(commands) }),
}

const kinds = Object.keys(makers) as readonly FaultEffect['kind'][]

/** Each seed gets its own few kinds of fault, and those often: rare combinations meet more often than when everything happens a little. */
export function swarmFaults(random: SimRandom, lived: readonly PhaseName[]): readonly Fault[] {
  const phases = within(usual, lived)
  const chosen = kinds.filter(() => random.chance(0.5))
  const pool = chosen.length > 0 ? chosen : kinds
  // As many for each phase, whether there is one more or not.
  const most = lived.includes('adoption') ? 9 : 7
  const least = lived.includes('adoption') ? 5 : 4
  const single = Array.from({ length: random.between(least, most) }, (): Fault => {
    const phase = random.pick(phases)
    const effect = makers[random.pick(pool)](random)
    return { phase, atMs: random.between(0, 2000), forMs: random.between(200, 2800), effect }
  })
  return random.chance(0.25) ? [...single, ...lateEffect(random, lived)] : single
}

/** What a person's executor asked for is swallowed by a cut; somebody else takes the run over; then the cut heals. */
function lateEffect(random: SimRandom, lived: readonly PhaseName[]): readonly Fault[] {
  const atMs = random.between(5, 120)
  const phase = random.pick(within(['adoption', 'switchover', 'switchover'], lived))
  const cuts = zones.map((from): Fault => {
    const effect: FaultEffect = { kind: 'partition', place: 'client', from }
    return { phase, atMs, forMs: random.between(700, 3000), effect }
  })
  const effect: FaultEffect = { kind: 'operator', command: 'resume' }
  return [...cuts, { phase, atMs: atMs + random.between(20, 500), forMs: 1, effect }]
}

/** Those of them that are lived; where none is, what is lived instead. */
function within(phases: readonly PhaseName[], lived: readonly PhaseName[]): readonly PhaseName[] {
  const found = phases.filter((phase) => lived.includes(phase))
  return found.length > 0 ? found : lived
}

/** How the primary's zone is lost. */
export function disaster(random: SimRandom): Fault {
  const place = 'leader-zone'
  const effect = random.pick<FaultEffect>([
    { kind: 'host-crash', place },
    { kind: 'host-crash', place },
    { kind: 'partition', place, from: 'everybody' },
    { kind: 'partition', place, from: 'everybody' },
    { kind: 'host-pause', place },
    { kind: 'process-kill', process: 'postgres', place },
    { kind: 'partition-one-way', place, direction: 'out' },
    { kind: 'partition-one-way', place, direction: 'in' },
  ])
  return { phase: 'failover', atMs: random.between(0, 300), forMs: random.between(2200, 5500), effect }
}
