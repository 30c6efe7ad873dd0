import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryMember } from '../../test/support/memory-member.ts'
import type { MemberObservation } from '../ports/database-member.ts'
import type { AgentContext, MemberIntent } from './agent-context.ts'
import { postgresRevoke } from './postgres-revoke.ts'

const authority = { run: 'run_one', step: 'one', attempt: 1, scope: 'cluster:cmp_ledger', epoch: 7 }
const empty = { component: 'cmp_ledger', member: 'mbr_ledger1', label: 'p1', mayHoldData: false }
const givenUp = { ...empty, mayHoldData: true }

function place(seen: Partial<MemberObservation>, before: MemberIntent = 'primary') {
  const member = new MemoryMember('p1', {})
  member.seen = { role: 'stopped', ...seen }
  const intents: MemberIntent[] = [before]
  const context = {
    member: () => member,
    intend: async (_: string, intent: MemberIntent) => void intents.push(intent),
    intentOf: () => intents.at(-1),
  } as unknown as AgentContext
  return { member, intents, context }
}

test('a member that is stopped counts only when its agent does not start it again either', async () => {
  const { context, intents } = place({}, 'standby')
  assert.equal((await postgresRevoke.observe(context, empty, authority)).satisfied, false)
  await postgresRevoke.apply(context, empty, authority)
  assert.deepEqual(intents, ['standby', 'fenced'])
  const seen = await postgresRevoke.observe(context, empty, authority)
  assert.deepEqual(seen.satisfied && seen.proof, { role: 'stopped', intent: 'fenced', holdsData: false })
})

test('data that nobody gave up are not passed over, whatever the plan was made from', async () => {
  const { context } = place({ systemIdentifier: '73' })
  const work = async () => postgresRevoke.observe(context, empty, authority)
  await assert.rejects(work, { code: 'DATA_NOT_LOST', class: 'refused', hint: /lost=p1/ })
})

test('what was given up is stopped, and that something lies there is in the proof', async () => {
  const { context, member } = place({ role: 'standby', systemIdentifier: '73' }, 'standby')
  assert.equal((await postgresRevoke.observe(context, givenUp, authority)).satisfied, false)
  await postgresRevoke.apply(context, givenUp, authority)
  member.seen = { role: 'stopped', systemIdentifier: '73' }
  const seen = await postgresRevoke.observe(context, givenUp, authority)
  assert.deepEqual(seen.satisfied && seen.proof, { role: 'stopped', intent: 'fenced', holdsData: true })
})
