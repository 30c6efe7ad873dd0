import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from '../../src/simulation/fault.ts'
import type { SimProcess } from '../../src/simulation/sim-process.ts'
import { Simulation } from '../../src/simulation/simulate.ts'
import { expandOptions } from '../../src/simulation/simulation-options.ts'
import { calm, count, fault, live } from './simulation-support.ts'
import type { Lived } from './simulation-support.ts'

const planned = ['adoption', 'switchover'] as const
const unplanned = ['adoption', 'failover'] as const
const loss = fault('failover', 100, 5000, { kind: 'host-crash', place: 'leader-zone' })
const quick = { heartbeatMs: 600, tickMs: 600, clients: { everyUs: 600_000, cancelRate: 0 } } as const

function killAtRecord(phase: 'switchover' | 'failover', records: number): Fault {
  return fault(phase, 0, 1, { kind: 'kill-at-record', records })
}

/** Records that the last run of an undisturbed life has: its boundaries. */
async function recordsOf(
  seed: number,
  phases: typeof planned | typeof unplanned,
  faults: readonly Fault[],
): Promise<number> {
  const { simulation } = await live(seed, { phases, faults, ...quick })
  const keys = [...simulation.sim.durable.entries.keys()].filter((key) => key.includes('/records/'))
  const runs = new Set(keys.map((key) => key.split('/')[3]))
  const [, second = ''] = runs
  return keys.filter((key) => key.includes(second)).length
}

/** How often the executor of the switchover goes on after a wait, in an undisturbed life. */
async function awaitsOfSwitchover(seed: number): Promise<number> {
  const simulation = new Simulation(seed, expandOptions(seed, { ...calm, ...quick, phases: planned }))
  const executors: SimProcess[] = []
  const remember = (process: SimProcess): void => {
    executors.push(process)
    simulation.sim.loop.after(1, () => {
      simulation.sim.onExecutor = remember
    })
  }
  simulation.sim.onExecutor = remember
  await simulation.toEnd()
  return executors[1]?.resumptions ?? 0
}

/** Every way in which two executors, one after the other, can die at boundaries of a run. */
function pairsOf(records: number): readonly (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = []
  for (let first = 1; first < records; first += 1)
    for (let second = 1; first + second <= records + 2; second += 1) pairs.push([first, second])
  return pairs
}

async function failOver(seed: number, faults: readonly Fault[]): Promise<Lived> {
  const lived = await live(seed, { phases: unplanned, faults: [loss, ...faults], ...quick })
  assert.notEqual(lived.simulation.director.reading.leadingServer?.name, 'p1')
  return lived
}

/** Virtual seconds of the log lines that hold the text. */
function timesOf({ sim }: Simulation, text: string): readonly number[] {
  return sim.lines.filter((line) => line.includes(text)).map((line) => Number.parseFloat(line))
}

test('a switchover whose executor dies at any await is taken over and ends the same (T24)', async () => {
  const awaits = await awaitsOfSwitchover(1)
  assert.ok(awaits > 50, `only ${awaits} awaits`)
  for (let at = 1; at <= awaits; at += 1) {
    const faults = [fault('switchover', 0, 1, { kind: 'kill-at-await', process: 'executor', awaits: at })]
    const lived = await live(1, { phases: planned, faults, ...quick })
    assert.equal(lived.simulation.director.reading.leadingServer?.name, 'p2', `killed at await ${at}`)
  }
})

test('a switchover whose executors die at any two record boundaries is taken over and ends the same (T24, T25)', async (t) => {
  const records = await recordsOf(2, planned, [])
  assert.ok(records > 20, `only ${records} records`)
  const pairs = pairsOf(records)
  for (const [first, second] of pairs) {
    const faults = [killAtRecord('switchover', first), killAtRecord('switchover', second)]
    const lived = await live(2, { phases: planned, faults, ...quick })
    assert.equal(
      lived.simulation.director.reading.leadingServer?.name,
      'p2',
      `killed at ${first} and ${second}`,
    )
  }
  t.diagnostic(`${pairs.length} pairs of ${records} boundaries`)
})

/** Steps of a switchover may take two minutes, so its executor is believed to be alive for longer. */
const patient = { phases: ['failover'], settleMs: 300_000 } as const

test('a failover waits for no run that nobody looks after any more, wherever its executor died', async (t) => {
  let takenOver = 0
  for (const procedure of ['reprotect', 'switchover'] as const)
    for (let records = 1; records <= 30; records += 1) {
      const faults = [killAtRecord('failover', records), { ...loss, atMs: 4000 }]
      const simulation = new Simulation(5, expandOptions(5, { ...calm, ...quick, ...patient, faults }))
      simulation.director.arePeopleAway = true
      const order = { procedure, parameters: { member: 'p2' } }
      simulation.sim.loop.after(1_000_000, () => simulation.director.operators.run(order))
      const { failure, counters } = await simulation.toEnd()
      assert.equal(failure, undefined, `${procedure}, killed at record ${records}: ${failure?.message}`)
      takenOver += counters['log:run-taken-over'] ?? 0
    }
  t.diagnostic(`${takenOver} taken over`)
  assert.ok(takenOver > 10, `${takenOver} taken over`)
})

test('a zone failover whose control plane dies at any record boundary goes on by itself (T24)', async () => {
  const records = await recordsOf(3, unplanned, [loss])
  assert.ok(records > 20, `only ${records} records`)
  let takenOver = 0
  for (let first = 1; first <= records; first += 1) {
    const lived = await failOver(3, [killAtRecord('failover', first)])
    for (const name of Object.keys(lived.counters)) if (name.startsWith('taken-over-in:')) takenOver += 1
  }
  assert.ok(takenOver > 5, 'no step was under way when the control plane died')
})

test('a zone failover whose control plane dies at two record boundaries goes on by itself (T24, T25)', async (t) => {
  const records = await recordsOf(3, unplanned, [loss])
  const pairs = pairsOf(records)
  for (const [first, second] of pairs)
    await failOver(3, [killAtRecord('failover', first), killAtRecord('failover', second)])
  t.diagnostic(`${pairs.length} pairs of ${records} boundaries`)
})

test('a zone failover whose control plane dies at any of its awaits goes on by itself (T24)', async (t) => {
  const longest = 2000
  for (let awaits = 1; awaits < longest; awaits += 1) {
    const kill = fault('failover', 900, 1, { kind: 'kill-at-await', process: 'control-plane', awaits })
    const { simulation } = await failOver(4, [kill])
    const [died = 0] = timesOf(simulation, 'control-plane: died')
    const [, finished = Infinity] = timesOf(simulation, ': run-finished')
    if (died <= finished) continue
    // Undisturbed up to here: the one before was the last await of the run.
    assert.ok(awaits > 100, `only ${awaits} awaits`)
    t.diagnostic(`${awaits - 1} awaits`)
    return
  }
  assert.fail(`the run did not end within ${longest} awaits`)
})

test('an executor that was stopped and wakes up after it was superseded does nothing (T27)', async () => {
  let superseded = 0
  for (let atMs = 5; atMs <= 65; atMs += 5) {
    const faults = [
      fault('switchover', atMs, 6500, { kind: 'process-pause', process: 'executor', place: 'client' }),
      fault('switchover', atMs + 400, 1, { kind: 'operator', command: 'resume' }),
    ]
    const lived = await live(5, { phases: planned, faults, ...quick })
    superseded += count(lived, 'command:run:RUN_SUPERSEDED') + count(lived, 'superseded-effect-refused')
    assert.equal(lived.simulation.director.reading.leadingServer?.name, 'p2')
  }
  assert.ok(superseded > 3, `${superseded} were refused`)
})

test('two people who take the same run over take turns, and one effect is had (T26)', async () => {
  for (let atMs = 5; atMs <= 60; atMs += 5) {
    const faults = [
      fault('switchover', atMs, 1, { kind: 'operator', command: 'resume' }),
      fault('switchover', atMs + 1, 1, { kind: 'operator', command: 'resume' }),
    ]
    const lived = await live(6, { phases: planned, faults, ...quick })
    assert.equal(lived.simulation.director.reading.leadingServer?.name, 'p2')
  }
})
