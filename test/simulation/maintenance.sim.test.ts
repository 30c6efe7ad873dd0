import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault, FaultEffect } from '../../src/simulation/fault.ts'
import { swarmFaults } from '../../src/simulation/swarm.ts'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import { baseSeed, count, fault, live } from './simulation-support.ts'
import type { Lived } from './simulation-support.ts'

/** Clients are kept out, a zone is lost behind the closed gates, and clients are let in again. */
const phases = ['adoption', 'maintenance-on', 'failover', 'maintenance-off'] as const

async function maintained(seed: number, faults: readonly Fault[] = []): Promise<Lived> {
  return await live(seed, { phases, faults })
}

const zoneLoss = fault('failover', 500, 6000, { kind: 'host-crash', place: 'leader-zone' })

test('gates that were closed stay closed over a failover behind them, which leads them to the new primary', async () => {
  const lived = await maintained(1, [zoneLoss])
  assert.equal(count(lived, 'log:automatic-decision:zone-failover'), 1)
  assert.equal(lived.simulation.director.reading.maintenance?.on, false)
})

test('a gate that starts again with its agent, or with its host, keeps clients out', async () => {
  for (const kind of ['process-kill', 'host-crash'] as const) {
    const effect: FaultEffect =
      kind === 'host-crash' ? { kind, place: 'client' } : { kind, process: 'agent', place: 'client' }
    const lived = await maintained(2, [fault('failover', 500, 2000, effect)])
    assert.ok(count(lived, 'log:died') > 0)
  }
})

test('a host that did not answer closes its gates by itself when it is back', async () => {
  const away = fault('maintenance-on', 0, 8000, { kind: 'partition', place: 'client', from: 'az1' })
  const cut = fault('maintenance-on', 0, 8000, { kind: 'process-pause', process: 'agent', place: 'client' })
  const lived = await maintained(3, [away, cut])
  assert.equal(lived.simulation.director.reading.maintenance?.on, false)
})

test('a recovery to a point in time and a switchover behind closed gates let nobody in either', async () => {
  for (const phase of ['corruption', 'switchover'] as const) {
    const lived = await live(8, { phases: ['adoption', 'maintenance-on', phase, 'maintenance-off'] })
    assert.equal(lived.simulation.director.reading.maintenance?.on, false)
  }
})

for (const phase of ['maintenance-on', 'maintenance-off'] as const) {
  test(`${phase}: an executor that dies after any record is followed by one that ends the run`, async () => {
    let killed = 0
    for (let records = 1; records <= 9; records += 1) {
      const lived = await maintained(4, [fault(phase, 0, 1, { kind: 'kill-at-record', records })])
      killed += count(lived, 'resumed-by-a-person')
    }
    assert.ok(killed >= 6, `${killed} runs were taken over`)
  })

  test(`${phase}: an executor that dies anywhere is followed by one that ends the run`, async () => {
    for (let awaits = 1; awaits <= 60; awaits += 10)
      await maintained(5, [fault(phase, 0, 1, { kind: 'kill-at-await', process: 'executor', awaits })])
  })

  test(`${phase}: cancelled on its way, everything is as before, and asked for again it is done`, async () => {
    for (let atMs = 20; atMs <= 1400; atMs += 230)
      await maintained(6, [fault(phase, atMs, 1, { kind: 'operator', command: 'cancel' })])
  })
}

test('under whatever else goes wrong nobody gets in, and in the end everybody does', async () => {
  const seed = baseSeed(7000)
  for (let index = 0; index < 15; index += 1) {
    const random = new SimRandom(seed + index).fork('maintenance')
    const others = swarmFaults(random, phases).map((one, at) => ({
      ...one,
      phase: random.pick(['maintenance-on', 'failover', 'maintenance-off'] as const),
      atMs: at === 0 ? 0 : one.atMs,
    }))
    await maintained(seed + index, [zoneLoss, ...others])
  }
})
