import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAfter, idsOf, stepOf } from '../../test/support/plan-order.ts'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { Facts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import type { PostgresPolicy } from '../estate/estate.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { reprotect } from './reprotect.ts'

const returned = sampleFacts({
  publishedSync: ['p3'],
  members: [memberFact(1), memberFact(2, { role: 'stopped', receiving: false }), memberFact(3)],
})

function plan(facts: Facts, member: string, policy: Partial<PostgresPolicy> = {}): Plan {
  return reprotect.plan({ estate: simulatedEstate(policy), facts, parameters: { member }, mode: 'real' })
}

test('a member may acknowledge only when it streams: published first, loaded second', () => {
  const made = plan(returned, 'p2')
  assertAfter(made, 'rejoin-p2', 'checkpoint')
  assertAfter(made, 'publish', 'rejoin-p2')
  assertAfter(made, 'set-sync', 'publish')
  assertAfter(made, 'acknowledge', 'set-sync')
  assert.deepEqual(stepOf(made, 'publish').args['publishedSync'], ['p2', 'p3'])
  assert.deepEqual(stepOf(made, 'set-sync').args['names'], ['p2', 'p3'])
})

test('one more name needs no second publication: what is published first covers both rules', () => {
  assert.deepEqual(idsOf(plan(returned, 'p2'), 'leader.publish'), ['publish'])
})

test('a stricter count is published only when it is loaded: until then one acknowledgement is enough', () => {
  const made = plan(returned, 'p2', { synchronousCount: 2 })
  assert.equal(stepOf(made, 'publish').args['publishedCount'], 1)
  assert.equal(stepOf(made, 'set-sync').args['count'], 2)
  assertAfter(made, 'publish-loaded', 'set-sync')
  assert.equal(stepOf(made, 'publish-loaded').args['publishedCount'], 2)
})

test('a weaker count is published before it is loaded', () => {
  const strict = sampleFacts({ publishedCount: 2 })
  const made = plan(strict, 'p2', { synchronousCount: 1 })
  assert.equal(stepOf(made, 'publish').args['publishedCount'], 1)
  assert.deepEqual(idsOf(made, 'leader.publish'), ['publish'])
})

test('a name that falls away stays published until the rule without it is loaded', () => {
  const made = plan(sampleFacts({ publishedSync: ['p2', 'p3', 'p9'] }), 'p2')
  assert.deepEqual(stepOf(made, 'publish').args['publishedSync'], ['p2', 'p3', 'p9'])
  assert.deepEqual(stepOf(made, 'set-sync').args['names'], ['p2', 'p3'])
  assert.deepEqual(stepOf(made, 'publish-loaded').args['publishedSync'], ['p2', 'p3'])
})

test('the leader itself is never overwritten: it is opened where it is, and nothing of it is rejoined', () => {
  for (const role of ['primary', 'stopped', 'standby'] as const) {
    const facts = sampleFacts({ members: [memberFact(1, { role }), memberFact(2), memberFact(3)] })
    const made = plan(facts, 'p1')
    assert.deepEqual(idsOf(made, 'postgres.rejoin'), [])
    assert.equal(stepOf(made, 'claim').args['member'], 'mbr_ledger1')
    assert.equal(stepOf(made, 'claim').args['from'], 'mbr_ledger1')
    assertAfter(made, 'promote', 'claim')
    assertAfter(made, 'promote', 'set-sync')
    for (const id of idsOf(made, 'gate.route')) assertAfter(made, id, 'acknowledge')
  }
})

test('a leader that an abandoned run left refusing writes accepts them before anybody is led to it', () => {
  const facts = (refusal: object) =>
    sampleFacts({ members: [memberFact(1, { role: 'primary', ...refusal }), memberFact(2), memberFact(3)] })
  const made = plan(facts({ refusesWrites: true }), 'p1')
  assertAfter(made, 'claim', 'accept-writes')
  for (const { id } of made.steps.filter(({ action }) => action === 'gate.route'))
    assertAfter(made, id, 'accept-writes')
  assert.deepEqual(idsOf(plan(facts({}), 'p1'), 'postgres.accept-writes'), [])
})

test('a leader that is not seen well is not opened again', () => {
  for (const primary of [unseen, { role: 'unknown' }, { role: 'starting' }] as const) {
    const facts = sampleFacts({ members: [memberFact(1, primary), memberFact(2), memberFact(3)] })
    assert.throws(() => plan(facts, 'p1'), { code: 'PRIMARY_NOT_HEALTHY', class: 'refused' })
  }
})

test('a member of another database system is refused: its data is somebody else’s', () => {
  const facts = sampleFacts({
    members: [memberFact(1), memberFact(2, { systemIdentifier: '99' }), memberFact(3)],
  })
  assert.throws(() => plan(facts, 'p2'), { code: 'SYSTEM_IDENTIFIER_MISMATCH', class: 'refused' })
})

test('an empty member is welcome', () => {
  const empty = memberFact(2, { role: 'stopped', systemIdentifier: '', receiving: false })
  assert.ok(plan(sampleFacts({ members: [memberFact(1), empty, memberFact(3)] }), 'p2').steps.length > 0)
})

test('nobody rejoins a primary that is not healthy, and nobody who does not answer is rejoined', () => {
  const sick = sampleFacts({ members: [memberFact(1, { role: 'stopped' }), memberFact(2), memberFact(3)] })
  assert.throws(() => plan(sick, 'p2'), { code: 'PRIMARY_NOT_HEALTHY' })
  const silent = sampleFacts({ members: [memberFact(1), memberFact(2, unseen), memberFact(3)] })
  assert.throws(() => plan(silent, 'p2'), { code: 'MEMBER_UNREACHABLE' })
})

test('what still runs beside a returned primary is stopped, and only there', () => {
  assert.deepEqual(idsOf(plan(returned, 'p2'), 'compute.stop'), ['stop-engine-az2'])
})

test('the leader itself is opened again where it is: rule loaded, acknowledged, and only then clients', () => {
  const facts = sampleFacts({ members: [memberFact(1, { role: 'stopped' }), memberFact(2), memberFact(3)] })
  const made = plan(facts, 'p1')
  assertAfter(made, 'claim', 'detach')
  assertAfter(made, 'set-sync', 'claim')
  assertAfter(made, 'promote', 'set-sync')
  assertAfter(made, 'route-db-client', 'acknowledge')
  assert.deepEqual(idsOf(made, 'postgres.rejoin'), [])
})

test('a leader that runs well is not stopped: clients are led to it again', () => {
  const made = plan(sampleFacts({}), 'p1')
  assert.deepEqual(idsOf(made, 'postgres.start'), [])
  assertAfter(made, 'route-db-client', 'acknowledge')
})
