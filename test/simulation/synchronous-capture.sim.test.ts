import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offRunner } from './off-runner.ts'
import { baseSeed, count, fault, live } from './simulation-support.ts'
import type { CaptureLives } from './synchronous-capture-lives.ts'

const base = baseSeed(1)
const seeds = 200
const lives = new URL('./synchronous-capture-lives.ts', import.meta.url)
const each = { capture: { synchronousCount: 2 } }
const some = { capture: { synchronousCount: 1 } }

test('with every name waited for, all data are lost and come back without anybody accepting a loss', async () => {
  const lived = await live(1, { phases: ['adoption', 'capture-on', 'component-loss'], ...each })
  assert.ok(count(lived, 'restores-without-loss') > 0)
  assert.equal(count(lived, 'writes-lost-with-all-data'), 0)
  assert.equal(count(lived, 'restores-with-loss'), 0)
  assert.ok(count(lived, 'confirmed-with-the-archive') > 5)
  assert.deepEqual(lived.simulation.director.reading.leader?.publishedSync, ['p2', 'p3'])
})

test('the archive and the primary are lost together: another confirms long before the archive is back', async () => {
  const faults = [
    fault('failover', 200, 9_000, { kind: 'partition', place: 'leader-zone', from: 'everybody' }),
    fault('failover', 200, 9_000, { kind: 'host-crash', place: 'client' }),
  ]
  const lived = await live(3, { phases: ['adoption', 'capture-on', 'failover'], faults, ...some })
  const { released } = lived.simulation.sim.cluster.history
  const first = released.find(({ member }) => member !== 'p1')
  const last = released.findLast(({ member, atUs }) => member === 'p1' && atUs < (first?.atUs ?? 0))
  const gapMs = ((first?.atUs ?? Number.NaN) - (last?.atUs ?? Number.NaN)) / 1000
  assert.ok(gapMs < 6_000, `${gapMs} ms`)
})

const sometimes = [
  'promoted-beside-a-living-primary',
  'command:run:CAPTURE_NOT_RECEIVING',
  'command:run:RULE_NOT_PROMOTABLE',
  'run-finished:rolled-back',
]

test(`lives in which the archive is one of three names: failovers under faults lose nothing and end whole (seeds from ${base})`, async (t) => {
  const after = ['failover', 'capture-on', 'switchover', 'capture-off'] as const
  const { counters, failure } = await offRunner<CaptureLives>(lives, 'captureLives', base, seeds, after, 1)
  assert.equal(failure, '')
  t.diagnostic(JSON.stringify(counters))
  const never = sometimes.filter((name) => (counters[name] ?? 0) === 0)
  assert.deepEqual(never, [], 'states that no life reached')
})

test(`lives in which every name is waited for: what the record promises of the archive is so at every commit, and all data come back (seeds from ${base})`, async (t) => {
  const { counters, failure } = await offRunner<CaptureLives>(
    lives,
    'captureLives',
    base,
    seeds,
    ['component-loss'],
    2,
  )
  assert.equal(failure, '')
  t.diagnostic(JSON.stringify(counters))
  assert.ok((counters['restores'] ?? 0) >= seeds, `${counters['restores']} restores`)
  assert.ok((counters['restores-without-loss'] ?? 0) >= seeds / 2)
  assert.ok((counters['confirmed-with-the-archive'] ?? 0) > seeds)
})

for (const direction of ['capture-on', 'capture-off'] as const) {
  test(`${direction}: a run whose executor dies at any record boundary ends in the same rule, published and loaded (T24)`, async (t) => {
    const boundaries = await offRunner<number>(lives, 'everyBoundary', 1, direction)
    t.diagnostic(`${boundaries} boundaries`)
    assert.ok(boundaries > 6, `${boundaries} boundaries`)
  })
}
