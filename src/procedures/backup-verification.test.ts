import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAfter, stepOf } from '../../test/support/plan-order.ts'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { Facts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { declaredPermission } from '../engine/declared-permission.ts'
import { backup } from './backup.ts'
import { backupVerification } from './backup-verification.ts'

const estate = simulatedEstate()

function plan(facts: Facts, parameters: Readonly<Record<string, string>> = {}): Plan {
  return backupVerification.plan({ estate, facts, parameters, mode: 'real' })
}

test('the newest snapshot is replayed to the end of the archive, beside a standby that streams', () => {
  const made = plan(
    sampleFacts({ members: [memberFact(1), memberFact(2, { receiving: false }), memberFact(3)] }),
  )
  assert.deepEqual(stepOf(made, 'choose').args, {
    component: 'cmp_ledger',
    copyOf: 'mbr_ledger3',
    wanted: { target: 'end', snapshot: 'newest' },
    timeoutMs: 60_000,
  })
  for (const id of ['choose', 'restore', 'replay', 'check', 'discard'])
    assert.equal(stepOf(made, id).on, 'az3', id)
  assert.equal(stepOf(made, 'receipt').on, 'client')
})

test('a receipt is signed for what is gone again, and production is looked at last', () => {
  const made = plan(sampleFacts())
  assertAfter(made, 'discard', 'check')
  assertAfter(made, 'receipt', 'discard')
  assertAfter(made, 'untouched', 'receipt')
  assertAfter(made, 'choose', 'note')
  assert.equal(stepOf(made, 'restore').compensation?.action, 'postgres.discard')
  assert.ok(made.steps.every(({ effect }) => effect !== 'point-of-no-return'))
})

test('its scope is the copies, so that no failover waits for it', () => {
  assert.equal(plan(sampleFacts()).scope, 'copies:cmp_ledger')
})

test('never goes to the host of the primary by itself, only when it is named', () => {
  const alone = sampleFacts({ members: [memberFact(1), memberFact(2, unseen), memberFact(3, unseen)] })
  assert.throws(() => plan(alone), { code: 'NO_SANDBOX_HOST', class: 'refused' })
  assert.equal(stepOf(plan(alone, { member: 'p1' }), 'restore').on, 'az1')
  assert.throws(() => plan(alone, { member: 'p2' }), { code: 'NO_SANDBOX_HOST' })
})

test('is refused while no primary could be compared afterwards, and where no host keeps a vault', () => {
  const dead = sampleFacts({ members: [memberFact(1, unseen), memberFact(2), memberFact(3)] })
  assert.throws(() => plan(dead), { code: 'PRIMARY_NOT_HEALTHY' })
  const bare = {
    ...estate,
    components: estate.components.map((one) => ({ ...one, protection: { captures: [], backups: [] } })),
  }
  const request = { estate: bare, facts: sampleFacts(), parameters: {}, mode: 'real' as const }
  assert.throws(() => backupVerification.plan(request), { code: 'BACKUP_NO_VAULT' })
})

test('a schedule may start it, and the backup, as they are', () => {
  for (const procedure of [backup, backupVerification]) {
    const made = procedure.plan({ estate, facts: sampleFacts(), parameters: {}, mode: 'real' })
    assert.match(declaredPermission(made, 'here', estate).digest, /^[0-9a-f]{64}$/)
  }
})
