import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAfter, before, idsOf, stepOf } from '../../test/support/plan-order.ts'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { Facts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { switchover } from './switchover.ts'

const estate = simulatedEstate()

function plan(facts: Facts = sampleFacts(), parameters: Readonly<Record<string, string>> = {}): Plan {
  return switchover.plan({ estate, facts, parameters, mode: 'real' })
}

function withMembers(...members: readonly ReturnType<typeof memberFact>[]): Facts {
  return sampleFacts({ members })
}

test('clients are held back before the old primary ends', () => {
  assertAfter(plan(), 'stop-clean', 'hold-db-client')
  assertAfter(plan(), 'stop-clean', 'stop-engine-az1')
})

test('the new primary holds everything that the old one wrote before anybody claims', () => {
  const made = plan()
  assertAfter(made, 'reached', 'stop-clean')
  assertAfter(made, 'claim', 'reached')
  assert.deepEqual(stepOf(made, 'reached').args['lsn'], { from: 'stop-clean', field: 'shutdownLsn' })
})

test('claims before it promotes, and the rule is loaded in between', () => {
  assertAfter(plan(), 'set-sync', 'claim')
  assertAfter(plan(), 'promote', 'set-sync')
})

test('the first point of no return is the claim, after the old primary ended', () => {
  const made = plan()
  const points = made.steps.filter(({ effect }) => effect === 'point-of-no-return').map(({ id }) => id)
  assert.deepEqual(points, ['claim', 'promote'])
  for (const id of points) assertAfter(made, id, 'stop-clean')
})

test('everything before the claim is undone when it does not come: routes, application, primary', () => {
  const made = plan()
  const early = made.steps.filter(
    ({ id, effect }) => effect === 'reversible' && before(made, 'claim').has(id),
  )
  assert.deepEqual(
    early.map(({ id, compensation }) => [id, compensation?.action]),
    [
      ['stop-engine-az1', 'compute.start'],
      ['hold-db-client', 'gate.route'],
      ['stop-clean', 'postgres.reopen'],
    ],
  )
})

test('undone backwards, the gates of the application lead to the ledger again before it is started', () => {
  assertAfter(plan(), 'hold-db-client', 'stop-engine-az1')
})

test('gates lead to the new primary only after a commit was acknowledged', () => {
  const made = plan()
  for (const id of ['route-db-client', 'start-engine', 'route-app-client'])
    assertAfter(made, id, 'acknowledge')
})

test('the old primary comes back only after the new one is promoted, and may acknowledge then', () => {
  const made = plan()
  assertAfter(made, 'rejoin-p1', 'promote')
  assert.deepEqual(stepOf(made, 'set-sync').args['names'], ['p1', 'p3'])
})

test('takes the first healthy standby, or the one that was named', () => {
  assert.equal(stepOf(plan(), 'promote').on, 'az2')
  assert.equal(stepOf(plan(sampleFacts(), { to: 'p3' }), 'promote').on, 'az3')
  const second = withMembers(memberFact(1), memberFact(2, unseen), memberFact(3))
  assert.equal(stepOf(plan(second), 'promote').on, 'az3')
})

test('an unhealthy primary is refused: a switchover needs both sides', () => {
  for (const primary of [unseen, { role: 'stopped' }, { role: 'unknown' }] as const) {
    const facts = withMembers(memberFact(1, primary), memberFact(2), memberFact(3))
    assert.throws(() => plan(facts), { code: 'PRIMARY_NOT_HEALTHY', class: 'refused' })
  }
})

test('a standby that could lose something is refused by name, with the reason', () => {
  const unfit = [
    [unseen, /does not answer/],
    [{ role: 'stopped' }, /role is stopped/],
    [{ receiving: false }, /does not receive/],
    [{ systemIdentifier: '99' }, /system identifier/],
  ] as const
  for (const [second, message] of unfit) {
    const facts = withMembers(memberFact(1), memberFact(2, second), memberFact(3))
    assert.throws(() => plan(facts, { to: 'p2' }), { code: 'STANDBY_UNFIT', message })
  }
  const unnamed = sampleFacts({ publishedSync: ['p3'] })
  assert.throws(() => plan(unnamed, { to: 'p2' }), { code: 'STANDBY_UNFIT', message: /not among/ })
  assert.throws(() => plan(sampleFacts(), { to: 'p1' }), { code: 'STANDBY_UNFIT', message: /leads already/ })
})

test('no healthy standby at all is refused', () => {
  const facts = withMembers(memberFact(1), memberFact(2, unseen), memberFact(3, unseen))
  assert.throws(() => plan(facts), { code: 'NO_HEALTHY_STANDBY' })
})

test('is refused while something may commit without waiting', () => {
  const facts = withMembers(
    memberFact(1, { bypasses: ['server: fsync = off'] }),
    memberFact(2),
    memberFact(3),
  )
  assert.throws(() => plan(facts), { code: 'SYNCHRONOUS_COMMIT_BYPASSED' })
})

test('is refused when too few would be left to acknowledge: the new primary could confirm nothing', () => {
  const facts = sampleFacts({
    publishedCount: 2,
    members: [memberFact(1), memberFact(2), memberFact(3, unseen)],
  })
  assert.throws(() => plan(facts), { code: 'TOO_FEW_STANDBYS', class: 'refused' })
  assert.ok(plan(sampleFacts({ publishedCount: 2 })).steps.length > 0)
})

test('nothing is done twice under one id', () => {
  const ids = plan().steps.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(idsOf(plan(), 'postgres.promote'), ['promote'])
})
