import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MemoryMember } from '../../test/support/memory-member.ts'
import { MemoryRecovery } from '../../test/support/memory-recovery.ts'
import { effectOf } from '../engine/action.ts'
import type { ActionArgs } from '../engine/action.ts'
import { agentActions } from './agent-actions.ts'
import type { AgentContext } from './agent-context.ts'

const authority = { run: 'run_one', step: 'one', attempt: 1, scope: 'cluster:cmp_ledger', epoch: 7 }
const goal = { snapshot: 's1', timeline: 1, lsn: '0/5000000', inclusive: false, reached: '0/5000000' }
const copy: ActionArgs = { component: 'cmp_ledger', copyOf: 'mbr_ledger1', goal, invariants: [] }
const member: ActionArgs = { component: 'cmp_ledger', member: 'mbr_ledger1' }

function place() {
  const recovery = new MemoryRecovery()
  const database = new MemoryMember('p1', { role: 'stopped' })
  const context = {
    member: () => database,
    recovery: () => recovery,
    intend: async (_: string, intent: string) => void recovery.effects.push(`intend ${intent}`),
  } as unknown as AgentContext
  const actionNamed = (name: string) => {
    const action = agentActions.get(name)
    assert.ok(action, name)
    return action
  }
  return { recovery, database, context, actionNamed }
}

describe('actions on the copy of a recovery', () => {
  for (const [name, args, effects] of [
    ['postgres.export-after', copy, ['exported run_one']],
    ['postgres.restore', copy, ['restored run_one']],
    ['postgres.replay', copy, ['replayed run_one']],
    ['postgres.check', copy, ['checked run_one']],
    ['postgres.finish', copy, ['finished run_one']],
    ['postgres.install', member, ['intend none', 'installed run_one']],
  ] as const) {
    test(`${name} is done when the report of its stage is there, and belongs to the run`, async () => {
      const { recovery, context, actionNamed } = place()
      const action = effectOf(actionNamed(name))
      assert.equal((await action.observe(context, args, authority)).satisfied, false)
      await action.apply(context, args, authority)
      assert.deepEqual(recovery.effects, effects)
      assert.equal((await action.observe(context, args, authority)).satisfied, true)
      const other = await action.observe(context, args, { ...authority, run: 'run_two' })
      assert.equal(other.satisfied, false)
    })
  }

  test('what was restored is discarded, and a run that restored nothing has nothing to undo', async () => {
    const { recovery, context, actionNamed } = place()
    const discard = effectOf(actionNamed('postgres.discard'))
    assert.equal((await discard.observe(context, copy, authority)).satisfied, true)
    await recovery.restore('run_one')
    assert.equal((await discard.observe(context, copy, authority)).satisfied, false)
    await discard.apply(context, copy, authority)
    assert.equal((await discard.observe(context, copy, authority)).satisfied, true)
  })

  test('the goal is looked at again, and the number of commits behind it is the proof', async () => {
    const { context, actionNamed } = place()
    const seen = await actionNamed('recovery.resolve').observe(context, copy, authority)
    assert.deepEqual(seen.satisfied && seen.output, { timeline: 1, commitsAfter: 3 })
  })

  test('a standby that only looks connected, on the history that was undone, has not rejoined', async () => {
    const { database, context, actionNamed } = place()
    const rejoin = actionNamed('postgres.rejoin')
    const upstream = { member: 'mbr_ledger2', name: 'p2', address: '10.0.0.2', port: 5432 }
    const args = { ...member, upstream, timeline: 5 }
    database.seen = { role: 'standby', upstream: '10.0.0.2:5432', streaming: true, timeline: 3 }
    assert.equal((await rejoin.observe(context, args, authority)).satisfied, false)
    database.seen = { ...database.seen, timeline: 5 }
    assert.equal((await rejoin.observe(context, args, authority)).satisfied, true)
  })
})
