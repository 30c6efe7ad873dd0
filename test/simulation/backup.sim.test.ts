import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from '../../src/simulation/fault.ts'
import { count, fault, live } from './simulation-support.ts'
import type { Lived } from './simulation-support.ts'

const phases = ['adoption', 'backup'] as const

async function backedUp(seed: number, faults: readonly Fault[] = []): Promise<Lived> {
  return await live(seed, { phases, faults })
}

test('a backup is one snapshot, and one more only when another is asked for', async () => {
  const lived = await backedUp(1)
  assert.equal(lived.simulation.sim.vault.snapshots.length, 1)
  assert.equal(count(lived, 'run-again'), 0)
})

test('an executor that dies anywhere is followed by one that finds the snapshot of its run', async () => {
  for (let awaits = 1; awaits <= 40; awaits += 3) {
    const effect = { kind: 'kill-at-await', process: 'executor', awaits } as const
    const lived = await backedUp(2, [fault('backup', 0, 1, effect)])
    assert.equal(lived.simulation.sim.vault.snapshots.length, 1, `killed at await ${awaits}`)
  }
})

test('an agent that dies in the middle of the copy leaves no snapshot, and the copy is begun again', async () => {
  for (let atMs = 100; atMs <= 1500; atMs += 200) {
    const effect = { kind: 'process-kill', process: 'agent', place: 'client' } as const
    const lived = await backedUp(3, [fault('backup', atMs, 1, effect)])
    const { snapshots } = lived.simulation.sim.vault
    assert.ok(snapshots.length >= 1)
    assert.deepEqual(
      snapshots.map(({ sequence }) => sequence),
      snapshots.map((_, index) => index + 1),
    )
  }
})

test('a failover does not wait for a backup, which then copies the new primary', async () => {
  const effect = { kind: 'host-crash', place: 'leader-zone' } as const
  const lived = await backedUp(4, [fault('backup', 150, 6000, effect)])
  assert.equal(count(lived, 'log:automatic-decision:zone-failover'), 1)
  const newest = lived.simulation.sim.vault.snapshots.at(-1)
  assert.equal(newest?.timeline, lived.simulation.director.reading.leadingServer?.timeline)
})
