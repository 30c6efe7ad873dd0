import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, fault, live } from './simulation-support.ts'

const phases = ['adoption'] as const

test('binds the one member with data, clones the others, and loads the published rule', async () => {
  const lived = await live(1, { phases })
  const { cluster } = lived.simulation.sim
  const [first] = cluster.servers
  assert.equal(first?.mode, 'primary')
  assert.deepEqual([...(first?.loadedSync.names ?? [])].toSorted(), ['p2', 'p3'])
  assert.deepEqual(lived.simulation.director.reading.leader?.publishedSync, ['p2', 'p3'])
  assert.equal(count(lived, 'log:member-rejoined:clone'), 2)
  assert.ok(
    cluster.servers.every(
      ({ directory }) => directory.systemIdentifier === first?.directory.systemIdentifier,
    ),
  )
})

test('goes on when the host of a standby loses power while it is cloned', async () => {
  for (const atMs of [300, 900, 1500]) {
    await live(2, { phases, faults: [fault('adoption', atMs, 2000, { kind: 'host-crash', place: 'az3' })] })
  }
})

test('a leader that stopped itself before anybody could replace it is opened again where it is', async () => {
  const faults = [fault('adoption', 600, 6000, { kind: 'partition', place: 'az1', from: 'everybody' })]
  const lived = await live(3, { phases, faults })
  assert.ok(count(lived, 'log:fencing:isolated') > 0)
})

test('two people who press at the same moment get one run, and the second is told why (T26)', async () => {
  for (const atMs of [0, 1, 2, 4]) {
    const faults = [fault('adoption', atMs, 1, { kind: 'operator', command: 'run-again' })]
    const lived = await live(4, { phases, faults })
    assert.equal(count(lived, 'command:run:completed'), 1)
    const told = ['RUN_OPEN', 'PLAN_CHANGED', 'CLUSTER_ADOPTED'].map((code) =>
      count(lived, `command:run:${code}`),
    )
    assert.equal(
      told.reduce((sum, times) => sum + times, 0),
      1,
    )
  }
})

test('what it leaves is where most lives begin: whole, nothing to repair, and untouched by what was lived from it', async () => {
  const lives = [{ phases: ['switchover'] }, { phases: ['failover'] }, { phases: ['switchover'] }] as const
  const [first, , again] = await Promise.all(lives.map(async (given) => live(5, given)))
  assert.ok(first !== undefined && again !== undefined)
  assert.equal(count(first, 'log:automatic-run-opened'), 0)
  assert.equal(count(first, 'log:member-rejoined:clone'), 0)
  assert.equal(count(first, 'command:run:completed'), 1)
  assert.equal(again.traceHash, first.traceHash)
})
