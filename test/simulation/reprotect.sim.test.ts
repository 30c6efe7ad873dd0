import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, fault, live } from './simulation-support.ts'

const phases = ['adoption', 'failover'] as const

test('a standby that lost its zone is back in its place without a person', async () => {
  const faults = [fault('failover', 100, 3000, { kind: 'host-crash', place: 'az3' })]
  const lived = await live(1, { phases, faults })
  assert.deepEqual(lived.simulation.director.reading.leader?.publishedSync, ['p2', 'p3'])
  assert.equal(count(lived, 'log:automatic-decision:zone-failover'), 0)
})

test('a former primary with writes of its own is rewound or copied, never believed', async () => {
  for (let seed = 1; seed <= 6; seed += 1) {
    const faults = [
      fault('failover', 100, 5000, { kind: 'partition', place: 'leader-zone', from: 'everybody' }),
    ]
    const lived = await live(seed, { phases, faults })
    const [first, ...others] = lived.simulation.sim.cluster.servers
    assert.ok(others.some(({ wal }) => wal.at(-5) === first?.wal[wal.length - 5]))
  }
})

test('a rewind that dies with its agent is followed by a fresh copy', async () => {
  let copies = 0
  for (let atMs = 4200; atMs <= 7800; atMs += 300) {
    const faults = [
      fault('failover', 100, 3500, { kind: 'partition', place: 'az1', from: 'everybody' }),
      fault('failover', atMs, 1, { kind: 'process-kill', process: 'agent', place: 'az1' }),
      fault('failover', 9000, 1, { kind: 'clock-step', place: 'az1', byMs: 0 }),
    ]
    const lived = await live(2, { phases, faults })
    // Two copies are those of the adoption.
    copies += count(lived, 'log:member-rejoined:clone') - 2
  }
  assert.ok(copies > 0, 'no rewind was interrupted')
})

test('an agent of a gate that starts again finds its way without a person', async () => {
  const faults = [fault('failover', 500, 1, { kind: 'process-kill', process: 'agent', place: 'client' })]
  await live(3, {
    phases,
    faults: [...faults, fault('failover', 900, 1, { kind: 'clock-step', place: 'ctl', byMs: 0 })],
  })
})
