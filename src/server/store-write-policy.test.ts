import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bed, execute, failover, keys as bedKeys, run } from '../../test/support/executor-bed.ts'
import type { RunStatus } from '../engine/run-event.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { guardedStore } from './store-write-policy.ts'

const keys = storeKeys('est_abcdef')

function guarded() {
  return guardedStore(new MemoryControlStore(new SystemClock()), keys)
}

async function refuses(transaction: Parameters<ReturnType<typeof guarded>['transact']>[0]): Promise<void> {
  await assert.rejects(guarded().transact(transaction), { code: 'STORE_WRITE_REFUSED' })
}

test('who may approve, what was approved already and the estate are not written through the network', async () => {
  for (const key of [keys.principals, keys.approvalUse('abc'), keys.estate]) {
    await refuses({ compare: [{ key, revision: 0 }], put: [{ key, value: '{}' }] })
  }
})

test('nobody opens a run through the network by writing its first record', async () => {
  const key = keys.runRecord('run_abcdef', 0)
  await refuses({ compare: [{ key, revision: 0 }], put: [{ key, value: '{}' }] })
})

test('a record of a journal is put only where there was none', async () => {
  const key = keys.runRecord('run_abcdef', 3)
  await refuses({ compare: [], put: [{ key, value: '{}' }] })
  await refuses({ compare: [{ key, revision: 7 }], put: [{ key, value: '{}' }] })
  const written = await guarded().transact({ compare: [{ key, revision: 0 }], put: [{ key, value: '{}' }] })
  assert.equal(written.succeeded, true)
})

test('an approval is written once: nobody writes over the yes of another', async () => {
  const key = keys.approval('f', 'nonce')
  await refuses({ compare: [], put: [{ key, value: '{}' }] })
  await refuses({ compare: [{ key, revision: 3 }], put: [{ key, value: '{}' }] })
  const written = await guarded().transact({ compare: [{ key, revision: 0 }], put: [{ key, value: '{}' }] })
  assert.equal(written.succeeded, true)
})

test('leadership and epochs are never written unconditionally', async () => {
  for (const key of [keys.leader('cmp_abcdef'), keys.epoch('cluster:cmp_abcdef')]) {
    const value = '{"epoch":1}'
    await refuses({ compare: [], put: [{ key, value }] })
    const written = await guarded().transact({ compare: [{ key, revision: 0 }], put: [{ key, value }] })
    assert.equal(written.succeeded, true)
  }
})

test('an epoch grows by exactly one', async () => {
  const store = guarded()
  const key = keys.epoch('cluster:cmp_abcdef')
  const put = async (epoch: number, revision: number) =>
    store.transact({ compare: [{ key, revision }], put: [{ key, value: JSON.stringify({ epoch }) }] })
  await put(1, 0)
  const { revision } = await put(2, 1)
  for (const epoch of [2, 1, 4, Number.MAX_SAFE_INTEGER])
    await assert.rejects(put(epoch, revision), { code: 'STORE_WRITE_REFUSED' })
})

test('an executor that works through the network keeps the summary of its run', async () => {
  const on = await bed(failover)
  const result = await execute(on, { store: guardedStore(on.store, bedKeys) })
  assert.equal(result.status, 'completed')
  const summary = await on.store.get(bedKeys.runIndex(run))
  assert.equal((JSON.parse(summary?.value ?? '{}') as { status?: string }).status, 'completed')
})

test('a summary says what the first record and the head beside it say, or is not written', async () => {
  const on = await bed(failover)
  const store = guardedStore(on.store, bedKeys)
  const summary = (await on.store.get(bedKeys.runIndex(run)))?.value ?? ''
  const write = async (
    status: RunStatus | 'open',
    value: string,
    key = bedKeys.runIndex(run),
    withHead = true,
  ): Promise<unknown> => {
    const head = { key: bedKeys.runHead(run), value: JSON.stringify({ seq: 1, hash: 'x', status }) }
    const { revision = 0 } = (await on.store.get(head.key)) ?? {}
    return await store.transact({
      compare: [{ key: head.key, revision }],
      put: [...(withHead ? [head] : []), { key, value }],
    })
  }
  const refused = { code: 'STORE_WRITE_REFUSED' }
  await assert.rejects(write('completed', summary), refused)
  await assert.rejects(write('open', summary, bedKeys.runIndex(run), false), refused)
  await assert.rejects(write('open', summary, bedKeys.runIndex('run_another')), refused)
  await assert.rejects(write('open', summary, `${bedKeys.runIndexes}a/b`), refused)
  await assert.rejects(write('open', summary.replace('prn_abcdef', 'prn_another')), refused)
  await assert.rejects(write('open', '{}'), refused)
  await write('open', summary)
  await write('completed', summary.replace('"status":"open"', '"status":"completed"'))
})
