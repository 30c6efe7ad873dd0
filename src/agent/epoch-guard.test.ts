import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFiles } from '../../test/support/memory-files.ts'
import { AgentState } from './agent-state.ts'
import { EpochGuard } from './epoch-guard.ts'

const path = '/state/agent.json'
const scope = 'cluster:cmp_ledger'

async function guarded() {
  const files = new MemoryFiles()
  const state = await AgentState.load(files, path)
  return { files, state, guard: new EpochGuard(state) }
}

test('a higher epoch is durable before it is admitted', async () => {
  const { guard, files } = await guarded()
  await guard.admit(scope, 4)
  assert.equal((await AgentState.load(files, path)).epochOf(scope), 4)
})

test('an epoch that can not be stored is not admitted', async () => {
  const { guard, files } = await guarded()
  files.fails = true
  await assert.rejects(guard.admit(scope, 4))
})

test('the same epoch is admitted again, a lower one is refused', async () => {
  const { guard } = await guarded()
  await guard.admit(scope, 4)
  await guard.admit(scope, 4)
  await assert.rejects(guard.admit(scope, 3), { code: 'EPOCH_STALE', class: 'refused' })
})

test('an executor that is overtaken while its epoch is being stored is refused', async () => {
  const { guard, files } = await guarded()
  const release = files.hold()
  const newer = guard.admit(scope, 6)
  const older = guard.admit(scope, 5)
  const refused = assert.rejects(older, { code: 'EPOCH_STALE' })
  release()
  await newer
  await refused
})

test('scopes do not know each other', async () => {
  const { guard } = await guarded()
  await guard.admit('a', 9)
  await guard.admit('b', 1)
})

test('an epoch that is not one is refused, never taken for none', async () => {
  const { guard } = await guarded()
  for (const epoch of [undefined, null, '9', Number.NaN, 1.5, 0, -1, 2 ** 60])
    await assert.rejects(guard.admit(scope, epoch as never), { code: 'EPOCH_INVALID', class: 'refused' })
  await assert.rejects(guard.admit(undefined as never, 3), { code: 'EPOCH_INVALID' })
})

test('a heartbeat teaches higher epochs and never lowers one', async () => {
  const { guard, state } = await guarded()
  await guard.learn([{ scope, epoch: 4 }])
  await guard.learn([{ scope, epoch: 2 }])
  assert.equal(state.epochOf(scope), 4)
  await assert.rejects(guard.admit(scope, 3), { code: 'EPOCH_STALE' })
})
