import assert from 'node:assert/strict'
import { test } from 'node:test'
import { before, idsOf, stepOf } from '../../test/support/plan-order.ts'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { ClusterFacts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import { validatePlan } from '../engine/plan-hash.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { zoneFailover } from './zone-failover.ts'

const estate = simulatedEstate({ synchronousCount: 0 })
const unnamed = { publishedSync: [], publishedCount: 0 }
const yes = { 'accept-loss': 'yes' }
const attested = { ...yes, 'old-primary': 'attested-dead' }
const everybody = [memberFact(1, { role: 'stopped' }), memberFact(2), memberFact(3)]
const lost = [memberFact(1, unseen), memberFact(2), memberFact(3)]

function plan(members: ClusterFacts['members'], parameters: Readonly<Record<string, string>>): Plan {
  const facts = sampleFacts({ ...unnamed, members })
  const made = zoneFailover.plan({ estate, facts, parameters, mode: 'real' })
  validatePlan(made)
  return made
}

test('is refused until the loss is accepted, whatever else is said', () => {
  for (const parameters of [{}, { 'accept-loss': 'no' }, { 'old-primary': 'attested-dead' }])
    assert.throws(() => plan(everybody, parameters), {
      code: 'LOSS_NOT_ACCEPTED',
      class: 'refused',
      hint: /accept-loss=yes/,
    })
})

test('accepted, everybody else who answers is revoked and chosen from, all of them', () => {
  const made = plan(everybody, yes)
  assert.deepEqual(idsOf(made, 'postgres.detach'), ['detach-p2', 'detach-p3'])
  const { needed, members, count } = stepOf(made, 'choose').args
  assert.deepEqual([needed, members, count], [2, ['mbr_ledger2', 'mbr_ledger3'], 0])
  const partly = plan([memberFact(1, { role: 'stopped' }), memberFact(2, unseen), memberFact(3)], yes)
  assert.deepEqual(idsOf(partly, 'postgres.detach'), ['detach-p3'])
  const cloning = [memberFact(1, { role: 'stopped' }), memberFact(2, { role: 'stopped' }), memberFact(3)]
  assert.deepEqual(idsOf(plan(cloning, yes), 'postgres.detach'), ['detach-p3'])
  const nobody = [memberFact(1, { role: 'stopped' }), memberFact(2, unseen), memberFact(3, unseen)]
  assert.throws(() => plan(nobody, yes), { code: 'NO_HEALTHY_STANDBY' })
})

test('nothing is claimed before the old primary is seen to be stopped: no quorum fences it', () => {
  const made = plan(everybody, yes)
  const fence = stepOf(made, 'fence-p1')
  assert.notEqual(fence.optional, true)
  assert.ok(before(made, 'claim').has('fence-p1'))
  assert.equal(fence.compensation?.action, 'postgres.reopen')
})

test('an old primary that can not be stopped is refused, unless people attest that it is dead', () => {
  assert.throws(() => plan(lost, yes), {
    code: 'OLD_PRIMARY_UNFENCED',
    class: 'refused',
    hint: /attested-dead/,
  })
  assert.throws(() => plan(lost, { ...yes, 'old-primary': 'dead' }), { code: 'OLD_PRIMARY_UNFENCED' })
  const made = plan(lost, attested)
  assert.equal(stepOf(made, 'fence-p1').optional, true)
  assert.equal(before(made, 'claim').has('fence-p1'), false)
})

test('says what is lost, and until when, where the approver reads it', () => {
  const accepts = (made: Plan): string => JSON.stringify(stepOf(made, 'claim').args['accepts'])
  assert.match(accepts(plan(everybody, yes)), /lost: what p1 confirmed and .* until it is stopped/)
  assert.match(accepts(plan(lost, attested)), /lost: what p1 confirmed and .* nothing stops p1/)
})

test('the new primary waits for nobody, as the policy says, and that is no single copy', () => {
  const made = plan(everybody, yes)
  const { publishedSync, publishedCount, singleCopy } = stepOf(made, 'claim').args
  assert.deepEqual([publishedSync, publishedCount, singleCopy], [[], 0, undefined])
  assert.deepEqual(stepOf(made, 'set-sync').args['names'], [])
  assert.deepEqual(idsOf(made, 'postgres.follow'), ['follow-p2', 'follow-p3'])
})

test('names that may acknowledge are revoked like any other although the policy was made asynchronous since', () => {
  const facts = sampleFacts({ members: lost })
  const made = zoneFailover.plan({ estate, facts, parameters: {}, mode: 'real' })
  assert.equal(stepOf(made, 'choose').args['needed'], 2)
  assert.equal(stepOf(made, 'claim').args['publishedCount'], 1)
})

test('under a synchronous policy neither parameter replaces the revocation', () => {
  const facts = sampleFacts({ ...unnamed, members: lost })
  assert.throws(
    () => zoneFailover.plan({ estate: simulatedEstate(), facts, parameters: attested, mode: 'real' }),
    { code: 'REVOCATION_IMPOSSIBLE' },
  )
})
