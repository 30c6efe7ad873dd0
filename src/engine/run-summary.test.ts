import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bed, execute, failover, failure, keys, run } from '../../test/support/executor-bed.ts'
import type { Bed } from '../../test/support/executor-bed.ts'
import { planHash } from './plan-hash.ts'
import { cancelRun, continueRun, pauseRun } from './operator-events.ts'
import type { RunSummary } from './run-summary.ts'

async function summaryOf({ store }: Bed): Promise<RunSummary> {
  const entry = await store.get(keys.runIndex(run))
  assert.ok(entry !== undefined, 'the run is in the index')
  return JSON.parse(entry.value) as RunSummary
}

test('a run is in the index from its first record on, with what a list shows', async () => {
  const on = await bed(failover)
  assert.deepEqual(await summaryOf(on), {
    procedure: 'zone-failover',
    scenario: 'zone-loss',
    mode: 'real',
    scope: 'estate',
    status: 'open',
    openedAtMs: 1_000,
    requestedBy: 'prn_abcdef',
    planHash: planHash(failover),
  })
})

test('the index says what the head says: paused, continued, cancelled, finished, taken up again', async () => {
  const on = await bed(failover)
  const place = { clock: on.clock, store: on.store, keys, run, writer: 'prn_operator' }
  const statuses: string[] = []
  const note = async () => {
    const { status } = await summaryOf(on)
    const head = await on.store.get(keys.runHead(run))
    assert.equal((JSON.parse(head?.value ?? '{}') as { status?: string }).status, status)
    statuses.push(status)
  }
  await pauseRun(place)
  await note()
  await continueRun(place)
  await note()
  on.target.fault = async ({ args }) => {
    await note()
    if (args['fact'] === 'route') throw failure('permanent')
    return 'go-on'
  }
  await execute(on)
  await note()
  on.target.fault = async () => {
    await note()
    return 'go-on'
  }
  await execute(on)
  await note()
  const changes = statuses.filter((status, index) => status !== statuses[index - 1])
  assert.deepEqual(changes, ['paused', 'open', 'failed', 'open', 'completed'])
})

test('a cancelled run is in the index as what became of it', async () => {
  const on = await bed(failover)
  await cancelRun({ clock: on.clock, store: on.store, keys, run, writer: 'prn_operator' })
  assert.equal((await summaryOf(on)).status, 'open')
  await execute(on)
  assert.equal((await summaryOf(on)).status, 'rolled-back')
})

test('intents and outcomes write no summary', async () => {
  const on = await bed(failover)
  await execute(on)
  const changes = await on.store.changes(keys.runIndexes, 0, 0)
  assert.equal(changes.length, 1)
  const finished = changes[0]?.revision
  assert.equal((await on.store.get(keys.runHead(run)))?.revision, finished)
})
