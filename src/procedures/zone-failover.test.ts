import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAfter, before, idsOf, stepOf } from '../../test/support/plan-order.ts'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { Facts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { zoneFailover } from './zone-failover.ts'

const estate = simulatedEstate()
const lost = sampleFacts({ members: [memberFact(1, unseen), memberFact(2), memberFact(3)] })

function plan(facts: Facts = lost, parameters: Readonly<Record<string, string>> = {}): Plan {
  return zoneFailover.plan({ estate, facts, parameters, mode: 'real' })
}

test('revokes first: nothing is chosen before enough standbys were detached', () => {
  const made = plan()
  assert.deepEqual(idsOf(made, 'postgres.detach'), ['detach-p2', 'detach-p3'])
  const choose = stepOf(made, 'choose')
  assert.deepEqual(choose.after, ['detach-p2', 'detach-p3'])
  assert.equal(choose.quorum, 2)
  assert.equal(choose.args['needed'], 2)
})

test('more acknowledgements a commit, fewer revocations: R + W > N', () => {
  const members = [memberFact(1, unseen), memberFact(2), memberFact(3)]
  const needed = (publishedCount: number): unknown =>
    stepOf(plan(sampleFacts({ members, publishedCount })), 'choose').args['needed']
  assert.equal(needed(1), 2)
  assert.equal(needed(2), 1)
})

test('claims before it promotes, loads the rule before it promotes, and promotes only what was chosen', () => {
  const made = plan()
  assertAfter(made, 'claim', 'choose')
  assertAfter(made, 'set-sync', 'claim')
  assertAfter(made, 'promote', 'set-sync')
  for (const id of ['claim', 'set-sync', 'promote'])
    assert.deepEqual(stepOf(made, id).args['member'], { from: 'choose', field: 'member' })
  for (const id of ['set-sync', 'promote'])
    assert.deepEqual(stepOf(made, id).on, { from: 'choose', field: 'host' })
})

test('publishes exactly the names that the new primary then waits for', () => {
  const made = plan()
  assert.deepEqual(stepOf(made, 'claim').args['publishedSync'], stepOf(made, 'set-sync').args['names'])
  assert.equal(stepOf(made, 'claim').args['publishedCount'], stepOf(made, 'set-sync').args['count'])
})

test('every point of no return comes after the revocation', () => {
  const made = plan()
  const points = made.steps.filter(({ effect }) => effect === 'point-of-no-return').map(({ id }) => id)
  assert.deepEqual(points, ['claim', 'promote'])
  for (const id of points) assertAfter(made, id, 'choose')
})

test('what has an effect before the claim is undone when the claim does not come', () => {
  const made = plan()
  const early = made.steps.filter(
    ({ id, effect }) => effect === 'reversible' && !before(made, id).has('choose'),
  )
  assert.deepEqual(
    early.map(({ id }) => id),
    ['detach-p2', 'detach-p3'],
  )
  for (const { compensation } of early) assert.equal(compensation?.action, 'postgres.follow')
  const upstream = early[0]?.compensation?.args['upstream']
  assert.deepEqual(upstream, { member: 'mbr_ledger1', name: 'p1', address: '10.0.0.1', port: 5432 })
})

test('the old primary is stopped only when a new one is certain: a failed attempt leaves it leading', () => {
  const made = plan(sampleFacts())
  assertAfter(made, 'fence-p1', 'choose')
})

test('nothing waits for the old primary to be stopped: its host may be gone', () => {
  const made = plan()
  assert.equal(stepOf(made, 'fence-p1').optional, true)
  for (const { id } of made.steps) assert.equal(before(made, id).has('fence-p1'), false, id)
})

test('clients come only after a commit was acknowledged', () => {
  const made = plan()
  assertAfter(made, 'acknowledge', 'promote')
  for (const id of idsOf(made, 'gate.route')) assertAfter(made, id, 'acknowledge')
  for (const id of idsOf(made, 'compute.start')) assertAfter(made, id, 'acknowledge')
  assertAfter(made, 'route-app-client', 'start-engine')
})

test('is refused while something may commit without waiting: RPO 0 would be void', () => {
  const bypasses = ['role app: synchronous_commit=off']
  const facts = sampleFacts({ members: [memberFact(1, { bypasses }), memberFact(2), memberFact(3)] })
  assert.throws(() => plan(facts), { code: 'SYNCHRONOUS_COMMIT_BYPASSED', class: 'refused' })
  assert.throws(() => plan(facts, { 'accept-loss': 'no' }), { code: 'SYNCHRONOUS_COMMIT_BYPASSED' })
  assert.ok(plan(facts, { 'accept-loss': 'yes' }).steps.length > 0)
})

test('is refused when too few standbys answer to be revoked, with those that do not', () => {
  const members = [memberFact(1, unseen), memberFact(2), memberFact(3, unseen)]
  const work = () => plan(sampleFacts({ members }))
  assert.throws(work, { code: 'REVOCATION_IMPOSSIBLE', class: 'refused', message: /1 answer, p3 do not/ })
  assert.throws(() => plan(sampleFacts({ members }), { 'accept-loss': 'yes' }), {
    code: 'REVOCATION_IMPOSSIBLE',
  })
})

test('is refused when nobody may acknowledge, or nobody had to: there is no quorum to revoke', () => {
  const members = [memberFact(1, unseen), memberFact(2), memberFact(3)]
  for (const rule of [
    { publishedSync: [], publishedCount: 1 },
    { publishedSync: [], publishedCount: 0 },
    { publishedSync: ['p2', 'p3'], publishedCount: 0 },
  ])
    assert.throws(() => plan(sampleFacts({ members, ...rule })), { code: 'REVOCATION_IMPOSSIBLE' })
})

test('only members that may have acknowledged are chosen from', () => {
  const facts = sampleFacts({
    members: [memberFact(1, unseen), memberFact(2), memberFact(3)],
    publishedSync: ['p2'],
  })
  assert.deepEqual(stepOf(plan(facts), 'choose').args['members'], ['mbr_ledger2'])
})

test('a cluster that was never adopted is not failed over', () => {
  assert.throws(() => plan(sampleFacts({ leader: '' })), { code: 'CLUSTER_NOT_ADOPTED' })
})

test('facts of another estate are refused', () => {
  assert.throws(() => plan({ ...lost, estate: 'est_another' }), { code: 'FACTS_OF_ANOTHER_ESTATE' })
})

test('a gate in the lost zone, or one that does not answer, is tried once and never waited for', () => {
  const made = plan({ ...lost, gates: [{ component: 'cmp_dbgate', host: 'client', reachable: false }] })
  for (const id of ['route-db-client', 'route-app-client']) {
    assert.equal(stepOf(made, id).optional, true)
    assert.equal(stepOf(made, id).retry.attempts, 1)
  }
  assert.deepEqual(stepOf(made, 'start-engine').after, ['acknowledge'])
})
