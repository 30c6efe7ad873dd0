import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultEffect } from '../../src/simulation/fault.ts'
import { count, fault, live, longestGapMs } from './simulation-support.ts'

const phases = ['adoption', 'failover'] as const
const place = 'leader-zone'

const losses: readonly { readonly what: string; readonly effect: FaultEffect }[] = [
  { what: 'power of the zone', effect: { kind: 'host-crash', place } },
  { what: 'every link of the zone', effect: { kind: 'partition', place, from: 'everybody' } },
  { what: 'the zone frozen', effect: { kind: 'host-pause', place } },
  { what: 'what the zone sends', effect: { kind: 'partition-one-way', place, direction: 'out' } },
  { what: 'what the zone is sent', effect: { kind: 'partition-one-way', place, direction: 'in' } },
  { what: 'the postmaster', effect: { kind: 'process-kill', process: 'postgres', place } },
]

for (const { what, effect } of losses) {
  test(`loses no acknowledged write when this is lost: ${what}`, async () => {
    for (let seed = 1; seed <= 4; seed += 1) {
      const lived = await live(seed, { phases, faults: [fault('failover', 100, 8000, effect)] })
      assert.ok(count(lived, 'write:acknowledged') > 10)
      const gapMs = longestGapMs(lived)
      assert.ok(gapMs < 8000, `clients waited ${gapMs} ms in seed ${seed}`)
    }
  })
}

test('promotes one standby, and the old primary comes back as one', async () => {
  const lived = await live(7, {
    phases,
    faults: [fault('failover', 100, 6000, { kind: 'partition', place, from: 'everybody' })],
  })
  const { servers } = lived.simulation.sim.cluster
  assert.deepEqual(servers.map(({ mode }) => mode).toSorted(), ['primary', 'standby', 'standby'])
  assert.notEqual(servers.find(({ mode }) => mode === 'primary')?.name, 'p1')
  assert.ok(count(lived, 'log:member-rejoined:rewind') + count(lived, 'log:member-rejoined:clone') >= 3)
})

test('does nothing when only the control plane is cut off: the primary serves on', async () => {
  const effect: FaultEffect = { kind: 'partition', place: 'ctl', from: 'everybody' }
  const lived = await live(8, { phases, faults: [fault('failover', 100, 8000, effect)] })
  assert.equal(count(lived, 'log:automatic-decision:zone-failover'), 0)
  assert.ok(longestGapMs(lived) < 1500)
})

test('a stale standby, with replay held up, is no reason to lose what it received', async () => {
  const faults = [
    fault('failover', 0, 9000, { kind: 'replay-pause', place: 'az2' }),
    fault('failover', 0, 9000, { kind: 'replay-pause', place: 'az3' }),
    fault('failover', 1500, 7000, { kind: 'host-crash', place }),
  ]
  await live(9, { phases, faults })
})

test('the disk of the chosen host is full for a while: the switch waits for it or takes the other one', async () => {
  const faults = [
    fault('failover', 0, 4000, { kind: 'disk', place: 'az2', after: 0, count: 50, code: 'ENOSPC' }),
    fault('failover', 100, 8000, { kind: 'host-crash', place }),
  ]
  await live(10, { phases, faults })
})

test('two zones lost one after the other: nothing is promoted that holds too little', async () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const faults = [
      fault('failover', 100, 9000, { kind: 'host-crash', place }),
      fault('failover', 1400 + seed * 120, 4000, { kind: 'host-crash', place }),
    ]
    await live(seed, { phases, faults })
  }
})

test('steps of every wall clock change nothing (T28)', async () => {
  for (const byMs of [-3_600_000, 3_600_000, -1000]) {
    const faults = ['az1', 'az2', 'az3', 'ctl'].map((host, index) =>
      fault('failover', 200 * index, 1, { kind: 'clock-step', place: host as 'az1', byMs }),
    )
    const lived = await live(11, {
      phases,
      faults: [...faults, fault('failover', 900, 6000, { kind: 'host-crash', place })],
    })
    assert.equal(count(lived, 'log:automatic-decision:zone-failover'), 1)
  }
})
