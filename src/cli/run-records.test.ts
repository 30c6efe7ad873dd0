import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bed, execute, failover, keys, run } from '../../test/support/executor-bed.ts'
import type { ControlStore } from '../ports/control-store.ts'
import { listRuns } from './run-records.ts'

test('listing runs reads the index and no journal, and lists them in the order of their opening', async () => {
  const on = await bed(failover)
  await execute(on)
  const entry = await on.store.get(keys.runIndex(run))
  const earlier = (entry?.value ?? '').replace(/"openedAtMs":\d+/, '"openedAtMs":5')
  await on.store.transact({ compare: [], put: [{ key: keys.runIndex('run_zzzzzz'), value: earlier }] })
  const read: string[] = []
  const store: ControlStore = {
    get: async () => assert.fail('nothing is read one by one'),
    list: async (prefix) => {
      read.push(prefix)
      return await on.store.list(prefix)
    },
    transact: async () => assert.fail('nothing is written'),
    changes: async () => assert.fail('nothing is waited for'),
  }
  const runs = await listRuns({ store, keys })
  assert.deepEqual(read, [keys.runIndexes])
  assert.deepEqual(
    runs.map((listed) => [listed.run, listed.status, listed.procedure, listed.requestedBy]),
    [
      ['run_zzzzzz', 'completed', 'zone-failover', 'prn_abcdef'],
      [run, 'completed', 'zone-failover', 'prn_abcdef'],
    ],
  )
})
