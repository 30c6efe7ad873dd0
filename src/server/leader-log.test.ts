import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storeKeys } from '../engine/store-keys.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { leaderLogged } from './leader-log.ts'

const keys = storeKeys('est_1')

test('says who leads for every leader record that the store took, and for none that it refused', async () => {
  const said: unknown[] = []
  const log = { info: (...line: unknown[]) => void said.push(line), warn: () => {} }
  const store = leaderLogged(new MemoryControlStore(new SystemClock()), log, keys.root)
  const key = keys.leader('cmp_1')
  const value = JSON.stringify({ member: 'mbr_1', epoch: 2, publishedSync: ['s2', 's3'] })
  const other = { key: keys.epoch('x'), value: '{"epoch":1}' }
  assert.equal((await store.transact({ compare: [], put: [other] })).succeeded, true)
  const first = { compare: [{ key, revision: 0 }], put: [{ key, value }] }
  assert.equal((await store.transact(first)).succeeded, true)
  assert.equal((await store.transact(first)).succeeded, false)
  assert.deepEqual(said, [
    ['leader-written', { component: 'cmp_1', member: 'mbr_1', epoch: 2, publishedSync: 's2,s3' }],
  ])
})
