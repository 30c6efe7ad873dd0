import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { PrincipalId } from '../domain/id.ts'
import type { Plan } from '../domain/plan.ts'
import { Ed25519Signer, Ed25519Verifier, generateSigningKey } from '../platform/ed25519-signer.ts'
import type { Clock } from '../ports/clock.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { signApproval, signStandingApproval } from './approval-signature.ts'
import type { Approval, Principal } from './approval.ts'
import { declarationDigest } from './declared-permission.ts'
import type { DeclaringEstate } from './declared-permission.ts'
import { digest } from './digest.ts'
import { entitledAmong, openRun } from './open-run.ts'
import type { Authorization } from './open-run.ts'
import { planHash } from './plan-hash.ts'
import { RunJournal } from './run-journal.ts'
import { storeKeys } from './store-keys.ts'

const estate = 'est_abcdef'
const scope = 'cluster:cmp_aaaaaa'
const keys = storeKeys(estate)
const nowMs = 1_800_000_000_000
const verifier = new Ed25519Verifier()

const plan: Plan = {
  format: 'pointzero/plan/1',
  procedure: 'region-failover',
  procedureVersion: 1,
  productVersion: '0.1.0',
  estate,
  estateDigest: 'a',
  factsDigest: 'b',
  scenario: 'region-loss',
  parameters: {},
  scope,
  mode: 'real',
  steps: [
    {
      id: 'fence',
      action: 'postgres.fence',
      actionVersion: 1,
      args: {},
      on: 'host',
      after: [],
      proves: '',
      effect: 'reversible',
      timeoutMs: 1,
      retry: { attempts: 1, waitMs: 0 },
      phase: 'execute',
    },
  ],
}
const hash = planHash(plan)

interface Person {
  readonly principal: Principal
  readonly signer: Ed25519Signer
}

function person(name: string, ...roles: Principal['roles']): Person {
  const id: PrincipalId = `prn_${name}`
  const key = generateSigningKey()
  return {
    principal: { id, name, publicKey: key.publicKey, roles },
    signer: new Ed25519Signer(id, key.privateKeyPem),
  }
}

const alice = person('aliceaa', 'operator', 'approver')
const bobby = person('bobbyaa', 'approver')
const carol = person('carolaa', 'approver')
const dave = person('daveaaa', 'operator')

function approve(by: Person, more: Partial<Approval> = {}): Approval {
  const fields = {
    estate,
    planHash: hash,
    scope,
    issuedAtMs: nowMs - 1_000,
    expiresAtMs: nowMs + 60_000,
    nonce: `n${by.principal.name}`,
    reason: 'drill',
  }
  const { signature: _, approver: __, format: ___, ...changed } = more as Approval
  return signApproval({ ...fields, ...changed }, by.signer)
}

class Bed {
  now = nowMs
  readonly clock: Clock = { now: () => this.now, monotonicMs: () => this.now, sleep: async () => undefined }
  readonly store = new MemoryControlStore(this.clock)
  #runs = 0

  async principals(...people: readonly Person[]): Promise<void> {
    const value = {
      format: 'pointzero/principals/1',
      version: 1,
      principals: people.map(({ principal }) => principal),
    }
    await this.store.transact({
      compare: [],
      put: [{ key: keys.principals, value: canonicalJson(value as unknown as Json) }],
    })
  }

  async open(
    authorization: Authorization,
    more: { requestedBy?: string; plan?: Plan; planHash?: string } = {},
  ): Promise<string> {
    this.#runs += 1
    const run = `run_number${this.#runs}`
    const { clock, store } = this
    await openRun({
      clock,
      store,
      verifier,
      run,
      plan,
      planHash: hash,
      requestedBy: 'prn_daveaaa',
      authorization,
      ...more,
    })
    return run
  }

  async close(): Promise<void> {
    await this.store.transact({ compare: [], put: [{ key: keys.open(scope), value: '{"run":""}' }] })
  }
}

async function bed(...people: readonly Person[]): Promise<Bed> {
  const made = new Bed()
  await made.principals(...(people.length === 0 ? [alice, bobby, carol, dave] : people))
  return made
}

const by = (...approvals: readonly Approval[]): Authorization => ({
  kind: 'approvals',
  required: 1,
  approvals,
})

test('opens a run that another person approved, and keeps the approval in its journal', async () => {
  const on = await bed()
  const run = await on.open(by(approve(alice)))
  const journal = await RunJournal.load({ clock: on.clock, store: on.store, keys, run, writer: 'x' })
  assert.equal(
    journal.records[0]?.event.type === 'opened' && journal.records[0].event.approvals[0]?.approver,
    'prn_aliceaa',
  )
  assert.equal((await on.store.get(keys.approvalUse('naliceaa')))?.value, canonicalJson({ run }))
})

const refusals: readonly (readonly [string, Authorization, string, string?])[] = [
  ['nobody', by(), 'APPROVAL_MISSING'],
  ['who asked for it', by(approve(alice)), 'APPROVAL_BY_REQUESTER', 'prn_aliceaa'],
  ['who may not approve', by(approve(dave)), 'APPROVAL_NOT_APPROVER', 'prn_aliceaa'],
  ['a stranger', by(approve(person('strange', 'approver'))), 'APPROVAL_UNKNOWN_APPROVER'],
  [
    'somebody with a key of their own under a known name',
    by(approve(person('aliceaa', 'approver'))),
    'APPROVAL_BAD_SIGNATURE',
  ],
  ['a signature over something else', by({ ...approve(alice), reason: 'changed' }), 'APPROVAL_BAD_SIGNATURE'],
  ['a signature that is none', by({ ...approve(alice), signature: 'AAAA' }), 'APPROVAL_BAD_SIGNATURE'],
  ['an approval of another plan', by(approve(alice, { planHash: 'f'.repeat(64) })), 'APPROVAL_OTHER_PLAN'],
  [
    'an approval for another scope',
    by(approve(alice, { scope: 'cluster:cmp_bbbbbb' })),
    'APPROVAL_OTHER_SCOPE',
  ],
  ['an approval for another estate', by(approve(alice, { estate: 'est_other00' })), 'APPROVAL_OTHER_ESTATE'],
  [
    'an approval that expires this very millisecond',
    by(approve(alice, { expiresAtMs: nowMs })),
    'APPROVAL_EXPIRED',
  ],
  ['an approval from the future', by(approve(alice, { issuedAtMs: nowMs + 120_000 })), 'APPROVAL_NOT_YET'],
  ['one of two people', { kind: 'approvals', required: 2, approvals: [approve(alice)] }, 'APPROVAL_MISSING'],
  [
    'one person twice',
    { kind: 'approvals', required: 2, approvals: [approve(alice), approve(alice, { nonce: 'second' })] },
    'APPROVAL_REPEATED',
  ],
  [
    'one who could and one who could not',
    { kind: 'approvals', required: 1, approvals: [approve(alice), approve(dave)] },
    'APPROVAL_NOT_APPROVER',
    'prn_carolaa',
  ],
  ['a standing approval that nobody gave', { kind: 'standing', policyDigest: 'p' }, 'APPROVAL_MISSING'],
]
for (const [what, authorization, code, requestedBy] of refusals) {
  test(`does not open a run approved by ${what}: ${code}`, async () => {
    const on = await bed()
    await assert.rejects(
      on.open(authorization, requestedBy === undefined ? {} : { requestedBy }),
      (error: Error & { code: string; hint: string }) => {
        assert.equal(error.code, code)
        assert.ok(error.hint !== '')
        return true
      },
    )
    assert.deepEqual(await on.store.list(keys.runs), [])
    assert.equal(await on.store.get(keys.open(scope)), undefined)
  })
}

test('an approval opens one run and no second one', async () => {
  const on = await bed()
  await on.open(by(approve(alice)))
  await on.close()
  await assert.rejects(on.open(by(approve(alice))), { code: 'APPROVAL_USED' })
})

test('somebody who lost the role since signing has approved nothing', async () => {
  const on = await bed()
  const approval = approve(alice)
  await on.principals({ ...alice, principal: { ...alice.principal, roles: ['operator'] } }, bobby)
  await assert.rejects(on.open(by(approval)), { code: 'APPROVAL_NOT_APPROVER' })
})

test('a role that is taken away while the run is being opened counts no more', async () => {
  const on = await bed()
  const transact = on.store.transact.bind(on.store)
  let first = true
  on.store.transact = async (transaction) => {
    if (first) {
      first = false
      await on.principals(bobby)
    }
    return await transact(transaction)
  }
  await assert.rejects(on.open(by(approve(alice))), { code: 'APPROVAL_UNKNOWN_APPROVER' })
})

test('two people of two approve', async () => {
  const on = await bed()
  await on.open({ kind: 'approvals', required: 2, approvals: [approve(alice), approve(bobby)] })
})

test('a drill that needs nobody opens without approvals', async () => {
  const on = await bed()
  await on.open({ kind: 'approvals', required: 0, approvals: [] })
})

async function stand(
  on: Bed,
  more: { expiresAtMs?: number; policyDigest?: string; procedure?: string } = {},
): Promise<void> {
  const fields = {
    estate,
    procedure: plan.procedure,
    scope,
    policyDigest: 'p',
    issuedAtMs: nowMs - 1_000,
    expiresAtMs: nowMs + 60_000,
    nonce: 'standing',
    ...more,
  }
  const value = canonicalJson(signStandingApproval(fields, alice.signer) as unknown as Json)
  await on.store.transact({ compare: [], put: [{ key: keys.standing(plan.procedure, scope), value }] })
}

test('a standing approval opens run after run while its policy is unchanged', async () => {
  const on = await bed()
  await stand(on)
  await on.open({ kind: 'standing', policyDigest: 'p' })
  await on.close()
  await on.open({ kind: 'standing', policyDigest: 'p' })
})

for (const [what, more, code] of [
  ['of another policy', { policyDigest: 'q' }, 'APPROVAL_OTHER_POLICY'],
  ['of another procedure', { procedure: 'switchover' }, 'APPROVAL_OTHER_PROCEDURE'],
  ['that has expired', { expiresAtMs: nowMs }, 'APPROVAL_EXPIRED'],
] as const) {
  test(`a standing approval ${what} opens nothing: ${code}`, async () => {
    const on = await bed()
    await stand(on, more)
    await assert.rejects(on.open({ kind: 'standing', policyDigest: 'p' }), { code })
  })
}

test('nonsense where the standing approval was is refused by name', async () => {
  const on = await bed()
  const key = keys.standing(plan.procedure, scope)
  await on.store.transact({ compare: [], put: [{ key, value: 'not json' }] })
  await assert.rejects(on.open({ kind: 'standing', policyDigest: 'p' }), { code: 'APPROVAL_UNREADABLE' })
})

test('a standing approval is not taken for an approval of a plan', async () => {
  const on = await bed()
  const fields = {
    estate,
    procedure: 'p',
    scope,
    policyDigest: 'p',
    issuedAtMs: nowMs - 1,
    expiresAtMs: nowMs + 60_000,
    nonce: 'n',
  }
  const standing = signStandingApproval(fields, alice.signer)
  const disguised = {
    ...standing,
    format: 'pointzero/approval/1',
    planHash: hash,
    reason: '',
  } as unknown as Approval
  await assert.rejects(on.open(by(disguised)), { code: 'APPROVAL_BAD_SIGNATURE' })
})

test('of many openers at once one opens the run, and every other is told which', async () => {
  const on = await bed()
  const none: Authorization = { kind: 'approvals', required: 0, approvals: [] }
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(() => on.open(none)))
  const opened = results.filter(({ status }) => status === 'fulfilled') as PromiseFulfilledResult<string>[]
  assert.equal(opened.length, 1)
  for (const result of results) {
    if (result.status === 'rejected')
      assert.match((result.reason as Error).message, new RegExp(`^${opened[0]?.value} is open`))
  }
})

test('two openers with one approval open one run', async () => {
  const on = await bed()
  const results = await Promise.allSettled([on.open(by(approve(alice))), on.open(by(approve(alice)))])
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a plan that is not the one that was shown is not opened', async () => {
  const on = await bed()
  const changed = { ...plan, factsDigest: 'c' }
  await assert.rejects(on.open(by(approve(alice)), { plan: changed }), { code: 'PLAN_HASH_DIFFERS' })
  await assert.rejects(on.open(by(approve(alice)), { plan: changed, planHash: planHash(changed) }), {
    code: 'APPROVAL_OTHER_PLAN',
  })
})

test('where the estate names the approvers of a procedure, the yes of anybody else does not count', () => {
  const one = (id: `prn_${string}`, name: string): Principal => ({
    id,
    name,
    publicKey: 'k',
    roles: ['approver'],
  })
  const principals = [one('prn_annabc', 'Ann'), one('prn_bobabc', 'Bob'), one('prn_cemabc', 'Cem')]
  const rolesGiven = (approvers: readonly string[] | undefined) =>
    entitledAmong(principals, approvers).map(({ roles }) => roles.length)
  assert.deepEqual(rolesGiven(undefined), [1, 1, 1])
  assert.deepEqual(rolesGiven(['prn_annabc', 'Bob']), [1, 1, 0])
  assert.deepEqual(rolesGiven([]), [0, 0, 0])
})

const declaring = {
  components: [{ id: 'cmp_aaaaaa', protection: { captures: [], backups: [{ name: 'full', every: 'day' }] } }],
  schedules: [{ name: 'drill', procedure: 'region-failover' }],
}
const copying: Plan = {
  ...plan,
  procedure: 'backup',
  scenario: 'none',
  scope: 'copies:cmp_aaaaaa',
  estateDigest: digest(declaring),
  steps: plan.steps.map((step) => ({ ...step, action: 'vault.backup' })),
}
const plane = person('planeaa', 'control-plane')

async function openDeclared(more: Partial<Plan> = {}, by = plane, from: DeclaringEstate = declaring) {
  const on = await bed(alice, plane)
  const made = { ...copying, ...more }
  const authorization = {
    kind: 'declared',
    declaration: 'components.ledger.protection.backups.full',
    estate: from,
  } as const
  const run = await on.open(authorization, {
    requestedBy: by.principal.id,
    plan: made,
    planHash: planHash(made),
  })
  const journal = await RunJournal.load({ clock: on.clock, store: on.store, keys, run, writer: 'x' })
  return journal.records[0]?.event
}

test('what the owner declared opens a backup, and the journal says which declaration it was', async () => {
  const event = await openDeclared()
  assert.ok(event?.type === 'opened')
  assert.deepEqual(event.declared, {
    declaration: 'components.ledger.protection.backups.full',
    digest: declarationDigest(declaring, 'cmp_aaaaaa'),
  })
  assert.deepEqual(event.approvals, [])
})

const [first] = copying.steps
assert.ok(first !== undefined)
const closed: readonly (readonly [string, Partial<Plan>, DeclaringEstate?])[] = [
  ['a failover', { procedure: 'zone-failover' }],
  ['a recovery to a point in time', { procedure: 'point-in-time-recovery' }],
  ['a restore over a component', { procedure: 'component-restore' }],
  ['a reprotect, which rebuilds members', { procedure: 'reprotect' }],
  ['maintenance', { procedure: 'maintenance' }],
  ['a backup by name that is led on the cluster', { scope: 'cluster:cmp_aaaaaa' }],
  ['a backup of a component that the estate does not have', { scope: 'copies:cmp_bbbbbb' }],
  ['a backup by name that can not be undone', { steps: [{ ...first, effect: 'point-of-no-return' }] }],
  ['a backup by name that promotes', { steps: [{ ...first, action: 'postgres.promote' }] }],
  [
    'a backup by name that promotes when it fails',
    { steps: [{ ...first, compensation: { action: 'postgres.promote', actionVersion: 1, args: {} } }] },
  ],
  ['a plan from another estate than the one that declares it', {}, { ...declaring, schedules: [] }],
  [
    'a backup that people are to approve',
    { estateDigest: digest({ ...declaring, approvals: [{ procedure: 'backup' }] }) },
    { ...declaring, approvals: [{ procedure: 'backup' }] },
  ],
]
for (const [what, more, from] of closed) {
  test(`a declaration never opens ${what}`, async () => {
    await assert.rejects(openDeclared(more, plane, from), { code: 'APPROVAL_NOT_DECLARED', class: 'refused' })
  })
}

test('a declaration is for the control plane: a person needs another person', async () => {
  await assert.rejects(openDeclared({}, alice), { code: 'APPROVAL_NOT_DECLARED' })
})

test('a changed declaration is another permission; what it does not speak of changes nothing', () => {
  const of = (estate: DeclaringEstate): string | undefined => declarationDigest(estate, 'cmp_aaaaaa')
  const protection = { captures: [], backups: [{ name: 'full', every: 'hour' }] }
  assert.notEqual(of({ ...declaring, components: [{ id: 'cmp_aaaaaa', protection }] }), of(declaring))
  assert.notEqual(of({ ...declaring, schedules: [{ procedure: 'backup' }] }), of(declaring))
  assert.notEqual(of({ ...declaring, approvals: [{ procedure: 'backup' }] }), of(declaring))
  assert.equal(of({ ...declaring, schedules: [] }), of(declaring))
})
