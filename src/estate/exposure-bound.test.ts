import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capturingEstate } from '../../test/support/capturing-estate.ts'
import { clusterNamed } from './estate-lookup.ts'
import { exposureBounds } from './exposure-bound.ts'
import { estateMap } from './survivors.ts'

function bound(synchronousCount: number, maxLagMs = 10_000, members = 3) {
  const estate = capturingEstate({ synchronous: true, maxLagMs }, { members, policy: { synchronousCount } })
  const [found] = exposureBounds(estateMap(estate), clusterNamed(estate, 'ledger'), 'estate-loss')
  return found
}

test('a capture that commits may wait for loses nothing only where they wait for every other name too', () => {
  assert.deepEqual(bound(2), { ms: 0, by: 'capture wal acknowledges' })
  assert.deepEqual(bound(1), { ms: 10_000, by: 'capture wal, which some commits do without', watched: true })
  assert.deepEqual(bound(0, 10_000, 1), { ms: 0, by: 'capture wal acknowledges' })
  // Nothing measures a lag of zero while commits do without it: no limit is promised.
  assert.equal(bound(1, 0)?.ms, undefined)
})
