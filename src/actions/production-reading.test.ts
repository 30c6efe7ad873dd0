import assert from 'node:assert/strict'
import { test } from 'node:test'
import { productionChange } from './production-reading.ts'
import type { ProductionReading } from './production-reading.ts'

const before: ProductionReading = {
  leader: 'mbr_1',
  clusterEpoch: 4,
  clusterRun: '',
  systemIdentifier: '73',
  publishedSync: ['p2', 'p3'],
  publishedCount: 1,
  primary: {
    systemIdentifier: '73',
    timeline: 2,
    rule: ['p2', 'p3'],
    ruleCount: 1,
    slots: ['archive', 'p2'],
  },
  kept: { systemIdentifier: '73', timeline: 2, snapshots: ['a', 'b'] },
}

const changes: readonly { readonly what: RegExp; readonly after: ProductionReading }[] = [
  { what: /leader: was "mbr_1"/, after: { ...before, leader: 'mbr_2' } },
  { what: /published rule/, after: { ...before, publishedCount: 0 } },
  { what: /timeline: was 2, is 3/, after: { ...before, primary: { ...before.primary, timeline: 3 } } },
  { what: /loaded rule/, after: { ...before, primary: { ...before.primary, rule: [] } } },
  { what: /slots/, after: { ...before, primary: { ...before.primary, slots: ['archive'] } } },
  { what: /timeline of the archive/, after: { ...before, kept: { ...before.kept, timeline: 3 } } },
]

for (const { what, after } of changes) {
  test(`is laid at the drill's door unless another run acted on the cluster: ${what.source}`, () => {
    const { touched } = productionChange(before, after)
    assert.equal(touched.length, 1)
    assert.match(touched[0] ?? '', what)
    const explained = productionChange(before, { ...after, clusterEpoch: 5 })
    assert.deepEqual(explained.touched, [])
    assert.match(explained.notCompared[0] ?? '', what)
    const underWay = productionChange({ ...before, clusterRun: 'run_other' }, after)
    assert.deepEqual(underWay.touched, [])
  })
}

test('no run explains another identity, or a snapshot that is gone', () => {
  const later = { ...before, clusterEpoch: 9 }
  const others: readonly ProductionReading[] = [
    { ...later, systemIdentifier: '74' },
    { ...later, primary: { ...before.primary, systemIdentifier: '74' } },
    { ...later, kept: { ...before.kept, systemIdentifier: '74' } },
    { ...later, kept: { ...before.kept, snapshots: ['b'] } },
  ]
  for (const after of others) assert.equal(productionChange(before, after).touched.length, 1)
})

test('a new snapshot, and slots in another order, are no change', () => {
  const after = {
    ...before,
    primary: { ...before.primary, slots: ['p2', 'archive'] },
    kept: { ...before.kept, snapshots: ['a', 'b', 'c'] },
  }
  assert.deepEqual(productionChange(before, after), { touched: [], notCompared: [] })
})
