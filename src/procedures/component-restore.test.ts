import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capturingEstate } from '../../test/support/capturing-estate.ts'
import { assertAfter, before, idsOf, stepOf } from '../../test/support/plan-order.ts'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { ClusterFacts, MemberFacts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import { planHash } from '../engine/plan-hash.ts'
import type { Estate } from '../estate/estate.ts'
import { componentRestore } from './component-restore.ts'

const emptied: Partial<MemberFacts> = { role: 'stopped', timeline: 0, systemIdentifier: '', receiving: false }
const gone = [memberFact(1, emptied), memberFact(2, emptied), memberFact(3, emptied)]
const goal = { lsn: '0/5000000', inclusive: 'yes', timeline: '1', snapshot: 's1', reached: '0/5000080' }
const accepted = { ...goal, 'accept-loss': 'yes' }

interface Asked {
  readonly facts?: Partial<ClusterFacts>
  readonly parameters?: Readonly<Record<string, string>>
  readonly estate?: Estate
}

function plan({ facts = {}, parameters = accepted, estate = capturingEstate() }: Asked = {}): Plan {
  return componentRestore.plan({
    estate,
    facts: sampleFacts({ members: gone, ...facts }),
    parameters,
    mode: 'real',
  })
}

function withMembers(...members: readonly MemberFacts[]): Partial<ClusterFacts> {
  return { members }
}

test('every member that answers is revoked and every gate held before the copy is begun', () => {
  const made = plan()
  assert.deepEqual(idsOf(made, 'postgres.revoke'), ['revoke-p1', 'revoke-p2', 'revoke-p3'])
  for (const id of ['revoke-p1', 'revoke-p2', 'revoke-p3', 'hold-db-client', 'stop-engine-az1'])
    assertAfter(made, 'resolve', id)
  assertAfter(made, 'hold-db-client', 'stop-engine-az1')
  // On the way back there is no database to lead anybody to.
  for (const id of ['hold-db-client', 'stop-engine-az1'])
    assert.equal(stepOf(made, id).compensation, undefined)
})

test('claims only what was checked and ended cleanly, and promotes only what was claimed', () => {
  const made = plan()
  for (const id of ['restore', 'replay', 'check', 'finish', 'archive-end']) assertAfter(made, 'claim', id)
  assertAfter(made, 'install', 'claim')
  assertAfter(made, 'promote', 'install')
  const points = made.steps.filter(({ effect }) => effect === 'point-of-no-return').map(({ id }) => id)
  assert.deepEqual(points, ['claim', 'promote'])
  assert.deepEqual(stepOf(made, 'claim').args['holds'], {
    timeline: { from: 'finish', field: 'timeline' },
    lsn: { from: 'finish', field: 'shutdownLsn' },
  })
})

test('standbys are rebuilt from it, and clients come only after one of them acknowledged', () => {
  const made = plan()
  assert.deepEqual(idsOf(made, 'postgres.rejoin'), ['rejoin-p2', 'rejoin-p3'])
  assert.equal(stepOf(made, 'acknowledge').quorum, 1)
  assert.deepEqual(stepOf(made, 'claim').args['publishedSync'], stepOf(made, 'set-sync').args['names'])
  for (const id of [...idsOf(made, 'compute.start'), 'route-db-client', 'route-app-client'])
    assertAfter(made, id, 'acknowledge')
})

test('asks no database that is gone for rows, and touches no component but its own, its gates and its applications', () => {
  const made = plan()
  assert.deepEqual(idsOf(made, 'postgres.export-after'), [])
  const touched = new Set(made.steps.map(({ args }) => args['component']))
  assert.deepEqual([...touched].map(String).sort(), [
    'cmp_appgate',
    'cmp_dbgate',
    'cmp_engine0',
    'cmp_ledger',
  ])
})

test('a primary that runs is not restored: its own procedure is named', () => {
  const members = [memberFact(1), memberFact(2, emptied), memberFact(3, emptied)]
  for (const lost of ['', 'p1,p2,p3'])
    assert.throws(() => plan({ facts: withMembers(...members), parameters: { ...accepted, lost } }), {
      code: 'PRIMARY_RUNS',
      hint: /point-in-time-recovery/,
    })
})

test('standbys that can take over are not passed over: zone-failover is named', () => {
  const members = [memberFact(1, emptied), memberFact(2), memberFact(3)]
  assert.throws(() => plan({ facts: withMembers(...members) }), {
    code: 'STANDBY_PROMOTABLE',
    hint: /zone-failover/,
  })
  const asynchronous = { ...withMembers(memberFact(1, emptied), memberFact(2), memberFact(3, emptied)) }
  assert.throws(() => plan({ facts: { ...asynchronous, publishedSync: [], publishedCount: 0 } }), {
    code: 'STANDBY_PROMOTABLE',
  })
  const lost = plan({ facts: withMembers(...members), parameters: { ...accepted, lost: 'p2,p3' } })
  assert.equal(stepOf(lost, 'revoke-p2').args['mayHoldData'], true)
  assert.equal(stepOf(lost, 'revoke-p2').compensation?.action, 'postgres.start')
})

test('a leader that has its data leads again instead, unless they are given up', () => {
  const members = [memberFact(1, { role: 'stopped' }), memberFact(2, emptied), memberFact(3, emptied)]
  assert.throws(() => plan({ facts: withMembers(...members) }), {
    code: 'DATA_NOT_LOST',
    message: /p1 is stopped and has its data/,
    hint: /reprotect --param member=p1.*lost=p1/,
  })
  assert.ok(plan({ facts: withMembers(...members), parameters: { ...accepted, lost: 'p1' } }).steps.length)
})

test('one that does not answer may have its data and may confirm: only by name is it passed over', () => {
  for (const silent of [1, 2]) {
    const members = [1, 2, 3].map((number) => memberFact(number, number === silent ? unseen : emptied))
    assert.throws(() => plan({ facts: withMembers(...members) }), {
      code: 'DATA_NOT_LOST',
      message: new RegExp(`p${silent} does not answer`),
    })
  }
  assert.throws(() => plan({ parameters: { ...accepted, lost: 'p9' } }), { code: 'ESTATE_NAME_UNKNOWN' })
})

test('a statement about members is part of what is approved, in words and in the hash', () => {
  const said = plan({ parameters: { ...accepted, lost: 'p3' } })
  assert.notEqual(planHash(said), planHash(plan()))
  assert.ok((stepOf(said, 'claim').args['accepts'] as readonly string[]).some((one) => one.includes('p3')))
})

test('an old primary that nobody can stop is fenced by the quorum, else by the statement alone, and that is said', () => {
  const words = (members: readonly MemberFacts[], lost: string): string => {
    const made = plan({ facts: { members }, parameters: { ...accepted, lost, 'single-copy': 'accepted' } })
    return (stepOf(made, 'claim').args['accepts'] as readonly string[]).join('; ')
  }
  const quorum = [memberFact(1, unseen), memberFact(2, emptied), memberFact(3, emptied)]
  assert.doesNotMatch(words(quorum, 'p1'), /nothing stops p1/)
  const tooFew = [memberFact(1, unseen), memberFact(2, emptied), memberFact(3, unseen)]
  assert.match(words(tooFew, 'p1,p3'), /nothing stops p1/)
  const made = plan({ facts: { members: quorum }, parameters: { ...accepted, lost: 'p1' } })
  assert.equal(stepOf(made, 'revoke-p1').optional, true)
  for (const { id } of made.steps) assert.equal(before(made, id).has('revoke-p1'), false, id)
  assert.equal(stepOf(made, 'claim').args['member'], 'mbr_ledger2')
  assert.deepEqual(stepOf(made, 'claim').args['publishedSync'], ['p1', 'p3'])
})

test('a damaged member that comes and goes lets no approval lapse once it was given up', () => {
  const hash = (role: MemberFacts['role']): string => {
    const members = [memberFact(1, emptied), memberFact(2, { role }), memberFact(3, emptied)]
    return planHash(plan({ facts: withMembers(...members), parameters: { ...accepted, lost: 'p2' } }))
  }
  assert.equal(hash('stopped'), hash('starting'))
})

test('what never reached the archive is not called nothing: the loss has to be accepted', () => {
  assert.throws(() => plan({ parameters: goal }), {
    code: 'LOSS_NOT_ACCEPTED',
    message: /how many nobody knows/,
    hint: /accept-loss=yes/,
  })
  const [first] = stepOf(plan(), 'claim').args['accepts'] as readonly string[]
  assert.match(first ?? '', /^lost: .*PT10S/)
  assert.equal(stepOf(plan(), 'archive-end').args['holdsAll'], false)
})

test('where every commit waited for the archive, nothing confirmed is lost and nothing has to be accepted', () => {
  const estate = capturingEstate({ synchronous: true })
  const facts = { publishedSync: ['p2', 'p3', 'wal'], publishedCount: 3 }
  const made = plan({ estate, facts, parameters: goal })
  assert.equal(stepOf(made, 'archive-end').args['holdsAll'], true)
  assert.match(
    JSON.stringify(stepOf(made, 'claim').args['accepts']),
    /commits wait for the capture wal no more/,
  )
  assert.deepEqual(stepOf(made, 'claim').args['publishedSync'], ['p2', 'p3'])
  assert.equal(stepOf(made, 'set-sync').args['count'], 2)
  // A set that needs only some of the names can do without the archive.
  const some = { ...facts, publishedCount: 2 }
  assert.throws(() => plan({ estate, facts: some, parameters: goal }), { code: 'LOSS_NOT_ACCEPTED' })
  assert.throws(() => plan({ facts, parameters: goal }), { code: 'LOSS_NOT_ACCEPTED' })
})

test('a promise that somebody could commit around is not believed', () => {
  const estate = capturingEstate({ synchronous: true })
  const members = gone.map((one) => ({ ...one, bypasses: ['server: synchronous_commit = local'] }))
  const facts = { publishedSync: ['p2', 'p3', 'wal'], publishedCount: 3, members }
  assert.throws(() => plan({ estate, facts, parameters: goal }), { code: 'SYNCHRONOUS_COMMIT_BYPASSED' })
})

test('the restored cluster waits for its members as before, and for no archive', () => {
  const estate = capturingEstate({ synchronous: true })
  const made = plan({ estate, facts: { publishedSync: ['p2', 'p3', 'wal'], publishedCount: 2 } })
  const { names, count } = stepOf(made, 'set-sync').args
  assert.deepEqual([names, count], [['p2', 'p3'], 1])
})

test('commits behind an earlier target are counted among what is accepted', () => {
  const words = stepOf(plan({ parameters: { ...accepted, 'commits-after': '41' } }), 'claim').args['accepts']
  assert.ok(
    (words as readonly string[]).includes('undone: 41 commits that the archive holds behind the target'),
  )
})

test('is refused without a host to restore onto, and with too few standbys to wait for', () => {
  const one = [memberFact(1, emptied), memberFact(2, unseen), memberFact(3, unseen)]
  const lost = { ...accepted, lost: 'p2,p3' }
  assert.throws(() => plan({ facts: { members: one }, parameters: lost }), { code: 'TOO_FEW_STANDBYS' })
  const single = plan({ facts: { members: one }, parameters: { ...lost, 'single-copy': 'accepted' } })
  const { publishedSync, publishedCount, singleCopy } = stepOf(single, 'claim').args
  assert.deepEqual([publishedSync, publishedCount, singleCopy], [[], 0, true])
  assert.throws(() => plan({ facts: { members: one }, parameters: { ...lost, to: 'p2' } }), {
    code: 'MEMBER_UNREACHABLE',
  })
  const none = [memberFact(1, unseen), memberFact(2, unseen), memberFact(3, unseen)]
  const all = { ...accepted, lost: 'p1,p2,p3' }
  assert.throws(() => plan({ facts: { members: none }, parameters: all }), { code: 'MEMBER_UNREACHABLE' })
})

test('the only copy of a database without standbys comes back to wait for nobody', () => {
  const estate = capturingEstate({}, { members: 1 })
  const facts = { members: gone.slice(0, 1), publishedSync: [], publishedCount: 0 }
  const made = plan({ estate, facts })
  assert.deepEqual(idsOf(made, 'postgres.rejoin'), [])
  assert.deepEqual(stepOf(made, 'acknowledge').after, ['promote'])
})

test('goes to one resolved place only, and only in a cluster that is in care', () => {
  assert.throws(() => plan({ parameters: { 'accept-loss': 'yes' } }), { code: 'RECOVERY_TARGET_OPEN' })
  assert.throws(() => plan({ facts: { leader: '' } }), { code: 'CLUSTER_NOT_ADOPTED' })
})
