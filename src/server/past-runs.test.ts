import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from '../domain/canonical-json.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { PastRuns } from './past-runs.ts'

const keys = storeKeys('est_abcdef')
const scope = 'copies:cmp_ledger'

function bed() {
  const store = new MemoryControlStore(new SystemClock())
  const put = async (key: string, value: object): Promise<void> => {
    await store.transact({ compare: [], put: [{ key, value: canonicalJson(value as never) }] })
  }
  const index = async (run: string, status: string, openedAtMs: number, of = scope): Promise<void> =>
    put(keys.runIndex(run), { procedure: 'backup', scope: of, status, openedAtMs })
  const record = async (run: string, seq: number, atMs: number, type: string): Promise<void> =>
    put(keys.runRecord(run, seq), { atMs, event: { type } })
  return { store, index, record, past: new PastRuns(store, 'est_abcdef') }
}

test('a run on copies is known with its outcome once it has ended, and others are not', async () => {
  const { index, record, past } = bed()
  await record('run_done01', 0, 10, 'opened')
  await record('run_done01', 1, 70, 'finished')
  await index('run_done01', 'completed', 10)
  await index('run_open01', 'open', 20)
  await index('run_pause1', 'paused', 20)
  await index('run_other1', 'completed', 20, 'cluster:cmp_ledger')
  assert.deepEqual(await past.on(scope), [
    {
      run: 'run_done01',
      procedure: 'backup',
      outcome: 'completed',
      openedAtMs: 10,
      endedAtMs: 70,
      revision: 3,
    },
  ])
})

test('a person who cancelled one found no failure, and one that is taken up again has not ended', async () => {
  const { index, record, past } = bed()
  await record('run_one001', 0, 10, 'cancel-requested')
  await index('run_one001', 'rolled-back', 10)
  await index('run_two001', 'failed', 20)
  const outcomes = async () => (await past.on(scope)).map(({ run, outcome }) => `${run} ${outcome}`)
  assert.deepEqual(await outcomes(), ['run_one001 cancelled', 'run_two001 failed'])
  await index('run_two001', 'open', 20)
  assert.deepEqual(await outcomes(), ['run_one001 cancelled'])
  await index('run_two001', 'completed', 20)
  assert.deepEqual(await outcomes(), ['run_one001 cancelled', 'run_two001 completed'])
})

test('what ended later comes later, whatever the clocks said', async () => {
  const { index, past } = bed()
  await index('run_zz0001', 'completed', 9_000)
  await index('run_aa0001', 'completed', 10)
  assert.deepEqual(
    (await past.on(scope)).map(({ run }) => run),
    ['run_zz0001', 'run_aa0001'],
  )
})
