import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterFacts, MemberFacts } from '../domain/facts.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import type { PostgresPolicy } from '../estate/estate.ts'
import { decideAutomatic, displaced } from './automatic-decision.ts'
import type { AutomaticInput } from './automatic-decision.ts'

const wallMs = 1_767_225_600_000

const policy: PostgresPolicy = {
  synchronousCount: 1,
  failover: { 'zone-loss': 'automatic' },
  detectMs: 1_500,
  fenceMs: 1_000,
  flapWindowMs: 60_000,
  flapMax: 2,
}

const leader: LeaderRecord = {
  member: 'mbr_ledger1',
  epoch: 3,
  systemIdentifier: '73',
  publishedSync: ['p2', 'p3'],
  publishedCount: 1,
  switchesMs: [],
}

function member(number: number, changed: Partial<MemberFacts> = {}): MemberFacts {
  return {
    member: `mbr_ledger${number}`,
    name: `p${number}`,
    host: `az${number}`,
    zone: `az${number}`,
    reachable: true,
    role: number === 1 ? 'primary' : 'standby',
    timeline: 1,
    systemIdentifier: '73',
    versionNumber: 150_018,
    receiving: number !== 1,
    bypasses: [],
    ...changed,
  }
}

function decide(changed: Partial<AutomaticInput>, members = [member(1), member(2), member(3)]) {
  return decideAutomatic({
    policy,
    detection: { state: 'up', reason: 'answers', silentMs: 0 },
    leader,
    facts: {
      component: 'cmp_ledger',
      systemIdentifier: '73',
      leader: leader.member,
      publishedSync: leader.publishedSync,
      publishedCount: 1,
      members,
    },
    acknowledging: new Set(['p1', 'p2', 'p3']),
    busy: false,
    nowMs: wallMs,
    displacedMs: new Map(),
    ...changed,
  })
}

const down = { state: 'down', reason: 'silent', silentMs: 2_000 } as const

test('a primary that is down is failed over when the policy says automatic', () => {
  assert.deepEqual(decide({ detection: down }), { start: 'zone-failover', reason: 'silent' })
})

test('a manual policy, and one that says nothing, leave the zone to a person', () => {
  for (const failover of [{ 'zone-loss': 'manual' }, {}, { 'component-loss': 'automatic' }] as const)
    assert.equal(decide({ detection: down, policy: { ...policy, failover } }).start, 'nothing')
})

test('nothing starts while a run is open', () => {
  assert.equal(decide({ detection: down, busy: true }).start, 'nothing')
})

test('unknown and degraded start nothing', () => {
  const displacedMs = new Map([['mbr_ledger2', 99_000]])
  const members = [member(1), member(2, { role: 'stopped', receiving: false }), member(3)]
  for (const state of ['unknown', 'degraded'] as const)
    assert.equal(decide({ detection: { ...down, state }, displacedMs }, members).start, 'nothing')
})

test('the flap guard asks a person after so many switches within the window', () => {
  const switched = (...agesMs: readonly number[]) =>
    decide({ detection: down, leader: { ...leader, switchesMs: agesMs.map((ageMs) => wallMs - ageMs) } })
  assert.equal(switched(1_000).start, 'zone-failover')
  assert.equal(switched(1_000, 59_000).start, 'nothing')
  assert.equal(switched(1_000, 61_000).start, 'zone-failover')
  assert.match(switched(1_000, 2_000).reason, /flap guard/)
})

test('a wall clock that was set back an hour does not make the flap guard forget', () => {
  const ahead = [wallMs + 3_600_000, wallMs + 3_601_000]
  assert.equal(decide({ detection: down, leader: { ...leader, switchesMs: ahead } }).start, 'nothing')
})

test('a member that is out of its place comes back only after it had time to find back by itself', () => {
  const members = [member(1), member(2, { role: 'stopped', receiving: false }), member(3)]
  const after = (ms: number) => decide({ displacedMs: new Map([['mbr_ledger2', ms]]) }, members)
  assert.equal(after(2_999).start, 'nothing')
  assert.deepEqual(after(3_000), {
    start: 'reprotect',
    member: 'p2',
    reason: 'p2 is reachable but out of its place',
  })
})

test('a named standby that runs but does not receive is rebuilt last', () => {
  const members = [member(1), member(2, { receiving: false }), member(3)]
  const after = (ms: number) => decide({ displacedMs: new Map([['mbr_ledger2', ms]]) }, members)
  assert.equal(after(29_999).start, 'nothing')
  assert.equal(after(30_000).start, 'reprotect')
})

test('nobody is brought back while the primary is not seen well, or while the member itself is not', () => {
  const displacedMs = new Map([['mbr_ledger2', 99_000]])
  const lost = member(2, { role: 'stopped', receiving: false })
  for (const primary of [{ reachable: false }, { role: 'unknown' }, { role: 'stopped' }] as const)
    assert.equal(decide({ displacedMs }, [member(1, primary), lost, member(3)]).start, 'nothing')
  for (const unseen of [{ reachable: false }, { role: 'unknown' }, { role: 'starting' }] as const)
    assert.equal(decide({ displacedMs }, [member(1), { ...lost, ...unseen }, member(3)]).start, 'nothing')
})

test('the leader is never brought back as a standby', () => {
  const displacedMs = new Map([['mbr_ledger1', 99_000]])
  assert.equal(decide({ displacedMs }).start, 'nothing')
})

test('out of place is who does not receive, or should acknowledge and may not', () => {
  const facts = (second: Partial<MemberFacts>): ClusterFacts => ({
    component: 'cmp_ledger',
    systemIdentifier: '73',
    leader: leader.member,
    publishedSync: [],
    publishedCount: 1,
    members: [member(1), member(2, second)],
  })
  const acknowledging = new Set(['p1', 'p2'])
  const isDisplaced = (second: Partial<MemberFacts>, record = leader, may = acknowledging): boolean =>
    displaced({ facts: facts(second), leader: record, acknowledging: may }, 'mbr_ledger2')
  assert.equal(isDisplaced({}), false)
  assert.equal(isDisplaced({ receiving: false }), true)
  assert.equal(isDisplaced({ receiving: false, reachable: false }), false)
  assert.equal(isDisplaced({}, { ...leader, publishedSync: ['p3'] }), true)
  assert.equal(isDisplaced({}, { ...leader, publishedSync: ['p3'] }, new Set(['p1'])), false)
})

test('clients are not led to a primary whose commits nobody confirms: a standby is rebuilt first, however long that takes', () => {
  const silent = [member(1), member(2, { receiving: false }), member(3, { receiving: false })]
  const misled = { reason: 'db leads to nowhere', forMs: 60_000 }
  const after = (ms: number) => decide({ misled, displacedMs: new Map([['mbr_ledger2', ms]]) }, silent)
  assert.equal(after(29_999).start, 'nothing')
  assert.match(after(29_999).reason, /too few standbys confirm/)
  assert.deepEqual([after(30_000).start, 'member' in after(30_000)], ['reprotect', true])
  const streaming = [member(1), member(2), member(3, { receiving: false })]
  assert.equal(decide({ misled }, streaming).reason, 'db leads to nowhere')
})

test('where a commit waits for two standbys, one that receives is not enough to lead clients: the other is rebuilt first', () => {
  const misled = { reason: 'db leads to nowhere', forMs: 60_000 }
  const members = [member(1), member(2), member(3, { receiving: false, role: 'stopped' })]
  const asked = (record: Partial<LeaderRecord>) =>
    decide(
      { misled, displacedMs: new Map([['mbr_ledger3', 60_000]]), leader: { ...leader, ...record } },
      members,
    )
  const both = asked({ publishedSync: ['p2', 'p3'], publishedCount: 2 })
  assert.equal('member' in both ? both.member : '', 'p3')
  // A capture among the names changes nothing of it: one member of two is enough.
  const among = asked({ publishedSync: ['p2', 'p3', 'wal'], publishedCount: 2 })
  assert.equal(among.reason, 'db leads to nowhere')
})

const emptied: Partial<MemberFacts> = { role: 'stopped', timeline: 0, systemIdentifier: '', receiving: false }

test('starts nothing when no member that answers has its data: who restores them must find the cluster free', () => {
  const all = [member(1, emptied), member(2, emptied), member(3, emptied)]
  const some = [member(1, { reachable: false, role: 'unknown', systemIdentifier: '' }), ...all.slice(1)]
  for (const members of [all, some])
    for (const inVain of [false, true]) {
      const decided = decide({ detection: down, inVain }, members)
      assert.equal(decided.start, 'nothing')
      assert.match(decided.reason, /component-restore/)
    }
})

test('a member without data is nobody who could take over: the leader is opened again where it is', () => {
  const members = [member(1, { role: 'stopped' }), member(2, emptied), member(3, emptied)]
  const decided = decide({ detection: down }, members)
  assert.deepEqual([decided.start, 'member' in decided && decided.member], ['reprotect', 'p1'])
})
