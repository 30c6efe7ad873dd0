import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capturingEstate, capturingFacts } from '../../test/support/capturing-estate.ts'
import { assertAfter, idsOf, stepOf } from '../../test/support/plan-order.ts'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { CaptureFacts, ClusterFacts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import { planHash } from '../engine/plan-hash.ts'
import type { Estate, PostgresPolicy } from '../estate/estate.ts'
import type { Capture } from '../estate/protection.ts'
import { pointInTimeRecovery } from './point-in-time-recovery.ts'
import { reprotect } from './reprotect.ts'
import { switchover } from './switchover.ts'
import { synchronousCapture } from './synchronous-capture.ts'
import { zoneFailover } from './zone-failover.ts'

interface Asked {
  readonly facts?: Partial<ClusterFacts>
  readonly capture?: Partial<CaptureFacts>
  readonly declared?: Partial<Capture>
  readonly members?: number
  readonly policy?: Partial<PostgresPolicy>
  readonly parameters?: Readonly<Record<string, string>>
}

function declaring({ declared, members, policy }: Asked): Estate {
  return capturingEstate(
    { synchronous: true, ...declared },
    { ...(members === undefined ? {} : { members }), ...(policy === undefined ? {} : { policy }) },
  )
}

function plan(direction: string, asked: Asked = {}): Plan {
  return synchronousCapture.plan({
    estate: declaring(asked),
    facts: capturingFacts(sampleFacts(asked.facts), asked.capture),
    parameters: { switch: direction, ...asked.parameters },
    mode: 'real',
  })
}

const named: Partial<ClusterFacts> = { publishedSync: ['p2', 'p3', 'wal'], publishedCount: 2 }
const alone: Asked = {
  members: 1,
  policy: { synchronousCount: 0 },
  facts: { members: [memberFact(1)], publishedSync: [], publishedCount: 0 },
}

/** Text of what whoever approves says yes to. */
function acceptsOf(made: Plan, id: string): string {
  return ((stepOf(made, id).args['accepts'] ?? []) as readonly string[]).join('; ')
}

test('on: counted on top of the members, loaded when it receives, and published only after a commit was acknowledged', () => {
  const made = plan('on')
  const { names, count } = stepOf(made, 'set-sync').args
  assert.deepEqual([names, count], [['p2', 'p3', 'wal'], 2])
  assertAfter(made, 'set-sync', 'receives')
  assertAfter(made, 'acknowledge', 'set-sync')
  assertAfter(made, 'publish', 'acknowledge')
  assert.deepEqual(stepOf(made, 'publish').args['publishedSync'], names)
  assert.match(acceptsOf(made, 'publish'), /does not wait for wal: .*synchronousCount is 2/)
})

test('on: what was loaded is taken back when no commit comes through', () => {
  const made = plan('on')
  const { compensation } = stepOf(made, 'set-sync')
  assert.equal(compensation?.action, 'postgres.set-sync')
  assert.deepEqual([compensation?.args['names'], compensation?.args['count']], [['p2', 'p3'], 1])
  assert.equal(stepOf(made, 'publish').compensation?.args['publishedCount'], 1)
})

test('on: where every name is waited for, that commits wait while the archive is away is part of what is approved', () => {
  const made = plan('on', { policy: { synchronousCount: 2 }, facts: { publishedCount: 2 } })
  assert.equal(stepOf(made, 'set-sync').args['count'], 3)
  assert.match(acceptsOf(made, 'publish'), /every commit waits while wal or one of p2, p3 does not receive/)
})

test('on: of a single member the archive is the only other copy, and that nobody can fail over is said', () => {
  const made = plan('on', alone)
  assert.deepEqual(
    [stepOf(made, 'set-sync').args['names'], stepOf(made, 'set-sync').args['count']],
    [['wal'], 1],
  )
  assert.match(acceptsOf(made, 'publish'), /only other copy: nobody can fail over/)
})

test('on: a capture that receives as somebody else, from elsewhere, with a gap or beside a namesake is refused', () => {
  const wrong: readonly (readonly [Partial<CaptureFacts>, RegExp])[] = [
    [{ applicationName: 'pointzero_capture' }, /receives as "pointzero_capture"; .* must be "wal"/],
    [{ applicationName: 'WAL' }, /must be "wal"/],
    [{ from: 'mbr_ledger2' }, /does not receive from p1/],
    [{ from: '' }, /does not receive from p1/],
    [{ connections: 0 }, /0 connections/],
    [{ connections: 2 }, /2 connections of p1 stream under that name, and each would count/],
    [{ isWhole: false }, /gap/],
  ]
  for (const [capture, message] of wrong)
    assert.throws(() => plan('on', { capture }), { code: 'CAPTURE_NOT_RECEIVING', message })
})

test('on: an archive whose host does not answer is refused', () => {
  const [known] = capturingFacts(sampleFacts()).copies ?? []
  for (const copies of [[], [{ ...known, reachable: false }]])
    assert.throws(
      () =>
        synchronousCapture.plan({
          estate: declaring({}),
          facts: { ...sampleFacts(), copies } as never,
          parameters: { switch: 'on' },
          mode: 'real',
        }),
      { code: 'CAPTURE_NOT_RECEIVING', message: /agent of client does not answer/ },
    )
})

test('on: refused where the archive would hold the only copy of what is confirmed, and members stand beside it', () => {
  const asynchronous = { policy: { synchronousCount: 0 }, facts: { publishedSync: [], publishedCount: 0 } }
  assert.throws(() => plan('on', asynchronous), {
    code: 'RULE_NOT_PROMOTABLE',
    hint: /synchronousCount to 1/,
  })
  const single = { facts: { publishedSync: [], publishedCount: 0 } }
  assert.throws(() => plan('on', single), { code: 'RULE_NOT_PROMOTABLE', hint: /reprotect/ })
  const members = [memberFact(1), memberFact(2, unseen), memberFact(3, { receiving: false })]
  assert.throws(() => plan('on', { facts: { members } }), { code: 'RULE_NOT_PROMOTABLE' })
})

test('on: refused without the declaration, and while commits may go around the rule', () => {
  assert.throws(() => plan('on', { declared: { synchronous: false } }), { code: 'CAPTURE_NOT_SYNCHRONOUS' })
  assert.throws(() => plan('on', { parameters: { capture: 'other' } }), { code: 'CAPTURE_NOT_SYNCHRONOUS' })
  const members = [memberFact(1, { bypasses: ['server: fsync = off'] }), memberFact(2), memberFact(3)]
  assert.throws(() => plan('on', { facts: { members } }), { code: 'SYNCHRONOUS_COMMIT_BYPASSED' })
  assert.throws(() => plan('on', { ...alone, facts: { ...alone.facts, members: [members[0] as never] } }), {
    code: 'SYNCHRONOUS_COMMIT_BYPASSED',
  })
})

test('off: published before it is loaded, whatever the capture does, and says what is promised no longer', () => {
  const everything = { publishedSync: ['p2', 'p3', 'wal'], publishedCount: 3 }
  const made = plan('off', { facts: everything, capture: { from: '', connections: 0, isWhole: false } })
  assertAfter(made, 'set-sync', 'publish')
  for (const [id, names, count] of [
    ['publish', 'publishedSync', 'publishedCount'],
    ['set-sync', 'names', 'count'],
  ] as const) {
    assert.deepEqual(stepOf(made, id).args[names], ['p2', 'p3'])
    assert.equal(stepOf(made, id).args[count], 2)
  }
  assert.match(acceptsOf(made, 'publish'), /no longer promised/)
  assert.equal(stepOf(made, 'acknowledge').optional, true)
  assert.equal(acceptsOf(plan('off', { facts: named }), 'publish'), '')
})

test('off: a capture that comes and goes lets no approval lapse', () => {
  const hash = (connections: number): string =>
    planHash(plan('off', { facts: named, capture: { connections } }))
  assert.equal(hash(0), hash(1))
})

test('off: also what the estate declares no longer, and what a run loaded that broke off before it published', () => {
  const undeclared = plan('off', { facts: named, declared: { synchronous: false } })
  assert.deepEqual(stepOf(undeclared, 'set-sync').args['names'], ['p2', 'p3'])
  const renamed = plan('off', { facts: named, declared: { name: 'other' }, parameters: { capture: 'wal' } })
  assert.deepEqual(
    [stepOf(renamed, 'set-sync').args['names'], stepOf(renamed, 'set-sync').args['count']],
    [['p2', 'p3'], 1],
  )
  assert.deepEqual(stepOf(plan('off'), 'set-sync').args['names'], ['p2', 'p3'])
  assert.throws(() => plan('off', { parameters: { capture: 'p2' } }), { code: 'CAPTURE_NOT_SYNCHRONOUS' })
})

test('off: a record that promises too little is raised only after the server waits for as much', () => {
  const half = plan('off', { facts: { publishedSync: ['p2', 'p3', 'wal'], publishedCount: 1 } })
  assert.equal(stepOf(half, 'publish').args['publishedCount'], 0)
  assert.equal(stepOf(half, 'set-sync').args['count'], 1)
  assert.equal(stepOf(half, 'publish-loaded').args['publishedCount'], 1)
  assertAfter(half, 'publish-loaded', 'set-sync')
})

test('off: a single member waits for nobody again', () => {
  const made = plan('off', { ...alone, facts: { ...alone.facts, publishedSync: ['wal'], publishedCount: 1 } })
  assert.deepEqual([stepOf(made, 'set-sync').args['names'], stepOf(made, 'set-sync').args['count']], [[], 0])
})

test('is switched on or off, on a primary that runs', () => {
  assert.throws(() => plan('maybe'), { code: 'CAPTURE_SWITCH' })
  const members = [memberFact(1, { role: 'stopped' }), memberFact(2), memberFact(3)]
  for (const direction of ['on', 'off'])
    assert.throws(() => plan(direction, { facts: { members } }), { code: 'PRIMARY_NOT_HEALTHY' })
})

test('zone-failover revokes members only and as many as without the capture; the new primary waits for no archive, and that is said', () => {
  const members = [memberFact(1, unseen), memberFact(2), memberFact(3)]
  const fail = (facts: Partial<ClusterFacts>) =>
    zoneFailover.plan({
      estate: declaring({}),
      facts: sampleFacts({ members, ...facts }),
      parameters: {},
      mode: 'real',
    })
  const made = fail(named)
  assert.deepEqual(idsOf(made, 'postgres.detach'), ['detach-p2', 'detach-p3'])
  assert.equal(stepOf(made, 'choose').quorum, 2)
  assert.equal(stepOf(fail({}), 'choose').quorum, 2)
  assert.deepEqual([stepOf(made, 'choose').args['count'], stepOf(made, 'set-sync').args['count']], [1, 1])
  assert.match(acceptsOf(made, 'claim'), /commits wait for the capture wal no more/)
  assert.equal(acceptsOf(fail({}), 'claim'), '')
  // Two of three may be a member and the capture: with one standby away the other may hold nothing of the newest.
  const oneAway = [memberFact(1, unseen), memberFact(2), memberFact(3, unseen)]
  assert.throws(() => fail({ ...named, members: oneAway }), { code: 'REVOCATION_IMPOSSIBLE' })
})

test('zone-failover of a rule that captures alone can meet is refused, and the way back named', () => {
  const members = [memberFact(1, unseen), memberFact(2), memberFact(3)]
  assert.throws(
    () =>
      zoneFailover.plan({
        estate: declaring({}),
        facts: sampleFacts({ members, publishedSync: ['p2', 'p3', 'wal'], publishedCount: 1 }),
        parameters: {},
        mode: 'real',
      }),
    { code: 'REVOCATION_IMPOSSIBLE', hint: /component-restore/ },
  )
})

test('switchover and a recovery to a point in time open with as many members as before, and without the capture', () => {
  const request = { estate: declaring({}), facts: sampleFacts(named), mode: 'real' } as const
  const moved = switchover.plan({ ...request, parameters: { to: 'p2' } })
  assert.deepEqual(
    [stepOf(moved, 'claim').args['publishedSync'], stepOf(moved, 'claim').args['publishedCount']],
    [['p1', 'p3'], 1],
  )
  assert.match(acceptsOf(moved, 'claim'), /wal no more/)
  const goal = { lsn: '0/5000000', inclusive: 'no', timeline: '1', snapshot: 's1', reached: '0/5000000' }
  const undone = pointInTimeRecovery.plan({ ...request, parameters: goal })
  for (const id of ['claim', 'set-sync'])
    assert.deepEqual(stepOf(undone, id).args[id === 'claim' ? 'publishedSync' : 'names'], ['p2', 'p3'])
  assert.equal(stepOf(undone, 'acknowledge').quorum, 1)
  assert.match(acceptsOf(undone, 'claim'), /wal no more/)
})

test('reprotect of a standby keeps the capture in the rule; the record is never without what is loaded', () => {
  const returned = {
    ...named,
    publishedSync: ['p3', 'wal'],
    members: [memberFact(1), memberFact(2), memberFact(3)],
  }
  const made = reprotect.plan({
    estate: declaring({}),
    facts: sampleFacts(returned),
    parameters: { member: 'p2' },
    mode: 'real',
  })
  assert.deepEqual(
    [stepOf(made, 'set-sync').args['names'], stepOf(made, 'set-sync').args['count']],
    [['p2', 'p3', 'wal'], 2],
  )
  // Two of two were all of the names; two of three are not, and the record says so first.
  assert.deepEqual(stepOf(made, 'publish').args['publishedSync'], ['p2', 'p3', 'wal'])
})

test('a leader that runs keeps the capture, one that is opened again waits for its members alone', () => {
  const open = (role: 'primary' | 'stopped'): Plan =>
    reprotect.plan({
      estate: declaring({}),
      facts: sampleFacts({ ...named, members: [memberFact(1, { role }), memberFact(2), memberFact(3)] }),
      parameters: { member: 'p1' },
      mode: 'real',
    })
  assert.deepEqual(stepOf(open('primary'), 'set-sync').args['names'], ['p2', 'p3', 'wal'])
  assert.equal(stepOf(open('primary'), 'set-sync').args['count'], 2)
  assert.deepEqual(idsOf(open('primary'), 'leader.publish'), [])
  const opened = open('stopped')
  assert.deepEqual(stepOf(opened, 'publish').args['publishedSync'], ['p2', 'p3'])
  assertAfter(opened, 'set-sync', 'publish')
  assertAfter(opened, 'promote', 'set-sync')
  assert.equal(stepOf(opened, 'set-sync').args['count'], 1)
})
