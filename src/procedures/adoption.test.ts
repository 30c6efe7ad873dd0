import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAfter, idsOf, stepOf } from '../../test/support/plan-order.ts'
import { memberFact, sampleFacts, unadopted, unseen } from '../../test/support/sample-facts.ts'
import type { Facts, MemberFacts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { adoption } from './adoption.ts'

const estate = simulatedEstate()
const empty = {
  role: 'stopped',
  timeline: 0,
  systemIdentifier: '',
  versionNumber: 0,
  receiving: false,
} as const

function found(...members: readonly MemberFacts[]): Facts {
  return sampleFacts({ ...unadopted, members })
}

function plan(facts: Facts, parameters: Readonly<Record<string, string>> = {}): Plan {
  return adoption.plan({ estate, facts, parameters, mode: 'real' })
}

const usual = found(memberFact(1), memberFact(2, empty), memberFact(3, empty))

test('binds the identity that the member itself says, and claims before it promotes', () => {
  const made = plan(usual)
  const identity = { from: 'start', field: 'systemIdentifier' }
  assert.deepEqual(stepOf(made, 'claim').args['systemIdentifier'], identity)
  assert.equal(stepOf(made, 'claim').args['from'], '')
  assertAfter(made, 'promote', 'claim')
})

test('standbys are cloned before anybody may acknowledge', () => {
  const made = plan(usual)
  for (const id of ['rejoin-p2', 'rejoin-p3']) {
    assertAfter(made, id, 'checkpoint')
    assertAfter(made, 'publish', id)
  }
})

test('until the rule is loaded the record says that no acknowledgement is needed, so that nobody fails over', () => {
  const made = plan(usual)
  assert.deepEqual(stepOf(made, 'publish').args['publishedSync'], ['p2', 'p3'])
  assert.equal(stepOf(made, 'publish').args['publishedCount'], 0)
  assertAfter(made, 'set-sync', 'publish')
  assertAfter(made, 'publish-loaded', 'set-sync')
  assert.equal(stepOf(made, 'publish-loaded').args['publishedCount'], 1)
})

test('clients come only after a commit was acknowledged under the published rule', () => {
  const made = plan(usual)
  assertAfter(made, 'acknowledge', 'publish-loaded')
  for (const id of [...idsOf(made, 'gate.route'), ...idsOf(made, 'compute.start')])
    assertAfter(made, id, 'acknowledge')
})

test('the only member with data is the one, running or not', () => {
  assert.equal(stepOf(plan(usual), 'promote').on, 'az1')
  const stopped = found(memberFact(1, empty), memberFact(2, { role: 'stopped' }), memberFact(3, empty))
  assert.equal(stepOf(plan(stopped), 'promote').on, 'az2')
})

test('two primaries are never guessed between, and naming one does not help while both run', () => {
  const two = found(
    memberFact(1),
    memberFact(2, { role: 'primary', systemIdentifier: '99' }),
    memberFact(3, empty),
  )
  assert.throws(() => plan(two), { code: 'PRIMARY_AMBIGUOUS', class: 'refused' })
  assert.throws(() => plan(two, { primary: 'p1' }), { code: 'SECOND_PRIMARY', class: 'refused' })
})

test('two stopped members with data are not guessed between', () => {
  const two = found(
    memberFact(1, { role: 'stopped' }),
    memberFact(2, { role: 'stopped' }),
    memberFact(3, empty),
  )
  assert.throws(() => plan(two), { code: 'PRIMARY_AMBIGUOUS', message: /p1, p2/ })
  assert.equal(stepOf(plan(two, { primary: 'p2' }), 'promote').on, 'az2')
})

test('nobody with data is refused', () => {
  const none = found(memberFact(1, empty), memberFact(2, empty), memberFact(3, empty))
  assert.throws(() => plan(none), { code: 'PRIMARY_AMBIGUOUS', message: /no member/ })
  assert.throws(() => plan(none, { primary: 'p1' }), { code: 'PRIMARY_EMPTY', class: 'refused' })
})

test('a member that does not answer is refused: it may hold the data, or lead', () => {
  const hidden = found(memberFact(1), memberFact(2, unseen), memberFact(3, empty))
  assert.throws(() => plan(hidden), { code: 'MEMBER_UNREACHABLE', class: 'refused', message: /p2/ })
  const silent = found(memberFact(1), memberFact(2, { ...empty, role: 'unknown' }), memberFact(3, empty))
  assert.throws(() => plan(silent), { code: 'MEMBER_UNREACHABLE', message: /p2/ })
})

test('a member of another lineage is refused before anything is done to it', () => {
  const foreign = found(
    memberFact(1),
    memberFact(2, { role: 'stopped', systemIdentifier: '99' }),
    memberFact(3, empty),
  )
  assert.throws(() => plan(foreign), { code: 'SYSTEM_IDENTIFIER_MISMATCH', class: 'refused', message: /p2/ })
})

test('a cluster is adopted once', () => {
  assert.throws(() => plan(sampleFacts()), { code: 'CLUSTER_ADOPTED', class: 'refused' })
})
