import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryFiles } from '../../test/support/memory-files.ts'
import { AgentState } from './agent-state.ts'

const path = '/state/agent.json'
const scope = 'cluster:cmp_ledger'

async function fresh() {
  const files = new MemoryFiles()
  return { files, state: await AgentState.load(files, path) }
}

test('an agent without a state file has seen no epoch and intends nothing', async () => {
  const { state, files } = await fresh()
  assert.equal(state.epochOf(scope), 0)
  assert.equal(state.intentOf('mbr_ledger1'), 'none')
  assert.equal(state.intentEpochOf('mbr_ledger1'), 0)
  assert.equal(files.content.size, 0)
})

test('what was raised and intended is there after a restart', async () => {
  const { state, files } = await fresh()
  await state.raiseEpoch(scope, 7)
  await state.intend('mbr_ledger1', 'primary', 7)
  const again = await AgentState.load(files, path)
  assert.deepEqual(again.epochs(), [{ scope, epoch: 7 }])
  assert.equal(again.intentOf('mbr_ledger1'), 'primary')
  assert.equal(again.intentEpochOf('mbr_ledger1'), 7)
})

test('an epoch never decreases, in memory or on the disk, whatever order raises come and finish in', async () => {
  const raises = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(raises, async (epochs) => {
      const { state, files } = await fresh()
      await Promise.all(epochs.map(async (epoch) => state.raiseEpoch(scope, epoch)))
      const highest = Math.max(...epochs)
      assert.equal(state.epochOf(scope), highest)
      assert.equal((await AgentState.load(files, path)).epochOf(scope), highest)
    }),
    { numRuns: 50 },
  )
})

test('concurrent raises of two scopes keep both', async () => {
  const { state, files } = await fresh()
  await Promise.all([state.raiseEpoch('a', 3), state.raiseEpoch('b', 4), state.intend('m', 'standby', 4)])
  const again = await AgentState.load(files, path)
  assert.deepEqual([again.epochOf('a'), again.epochOf('b'), again.intentOf('m')], [3, 4, 'standby'])
})

test('memory changes only after the disk did', async () => {
  const { state, files } = await fresh()
  const release = files.hold()
  const raised = state.raiseEpoch(scope, 5)
  await Promise.resolve()
  assert.equal(state.epochOf(scope), 0)
  release()
  await raised
  assert.equal(state.epochOf(scope), 5)
})

test('a raise that could not be stored is not believed, and the next one works', async () => {
  const { state, files } = await fresh()
  files.fails = true
  await assert.rejects(state.raiseEpoch(scope, 5), /no space left/)
  assert.equal(state.epochOf(scope), 0)
  files.fails = false
  await state.raiseEpoch(scope, 5)
  assert.equal(state.epochOf(scope), 5)
})

test('an intent of an older epoch never replaces a newer one', async () => {
  const { state } = await fresh()
  await Promise.all([state.intend('m', 'primary', 7), state.intend('m', 'fenced', 5)])
  assert.equal(state.intentOf('m'), 'primary')
  assert.equal(state.intentEpochOf('m'), 7)
  await state.intend('m', 'fenced', 7)
  assert.equal(state.intentOf('m'), 'fenced')
})

test('an intent is about the first database that was seen under it, until there is another intent', async () => {
  const { state, files } = await fresh()
  await state.bind('m', '71')
  assert.equal(state.identityOf('m'), undefined)
  await state.intend('m', 'standby', 4)
  await state.bind('m', '71')
  await state.bind('m', '72')
  assert.equal((await AgentState.load(files, path)).identityOf('m'), '71')
  await state.intend('m', 'standby', 5)
  assert.equal(state.identityOf('m'), undefined)
})

test('a file that can not be read is refused: this host may have forgotten an epoch', async () => {
  const good =
    '{"epochs":{"s":3},"format":"pointzero/agent-state/1","intents":{"m":{"epoch":3,"intent":"primary"}}}'
  const bad = [
    '',
    'null',
    good.slice(0, -1),
    '{"format":"pointzero/agent-state/1"}',
    good.replace('"s":3', '"s":"3"'),
    good.replace('"s":3', '"s":-1'),
    good.replace('primary', 'leader'),
    good.replace('"epoch":3,', ''),
  ]
  for (const text of bad) {
    const files = new MemoryFiles()
    files.write(path, text)
    await assert.rejects(
      AgentState.load(files, path),
      { code: 'AGENT_STATE_UNREADABLE', class: 'refused' },
      text,
    )
  }
  const files = new MemoryFiles()
  files.write(path, good)
  assert.equal((await AgentState.load(files, path)).epochOf('s'), 3)
})

test('a state of a version that is not known is refused by name', async () => {
  const files = new MemoryFiles()
  files.write(path, '{"epochs":{},"format":"pointzero/agent-state/2","intents":{}}')
  await assert.rejects(AgentState.load(files, path), { code: 'FORMAT_UNKNOWN', class: 'refused' })
})

test('the same state has the same bytes', async () => {
  const { state, files } = await fresh()
  await state.raiseEpoch('b', 2)
  await state.raiseEpoch('a', 1)
  assert.equal(files.text(path), '{"epochs":{"a":1,"b":2},"format":"pointzero/agent-state/1","intents":{}}')
})
