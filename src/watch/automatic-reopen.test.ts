import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { MemberFacts } from '../domain/facts.ts'
import { clusters } from '../estate/estate-lookup.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { decideAutomatic } from './automatic-decision.ts'
import type { AutomaticInput } from './automatic-decision.ts'

const leader = {
  member: 'mbr_ledger1',
  epoch: 1,
  systemIdentifier: '7',
  publishedSync: ['p2', 'p3'],
  publishedCount: 1,
  switchesMs: [],
} as const

const down = { state: 'down', reason: 'the agent beside it saw it end', silentMs: 0 } as const
const up = { state: 'up', reason: 'answers', silentMs: 0 } as const

function decide(members: readonly MemberFacts[], changed: Partial<AutomaticInput> = {}) {
  const [facts] = sampleFacts({ members }).clusters
  const cluster = simulatedEstate().components.find((component) => component.kind === 'postgres')
  assert.ok(facts !== undefined && cluster !== undefined)
  return decideAutomatic({
    policy: cluster.policy,
    detection: down,
    leader,
    facts,
    acknowledging: new Set(['p1', 'p2', 'p3']),
    busy: false,
    nowMs: 1_767_225_600_000,
    displacedMs: new Map(),
    ...changed,
  })
}

const stopped = memberFact(1, { role: 'stopped' })

test('a stopped leader that too few standbys can replace is opened again where it is', () => {
  const decision = decide([stopped, memberFact(2, unseen), memberFact(3)])
  assert.deepEqual([decision.start, 'member' in decision && decision.member], ['reprotect', 'p1'])
})

test('with enough standbys it is replaced', () => {
  assert.equal(decide([stopped, memberFact(2), memberFact(3)]).start, 'zone-failover')
})

test('after a failover in vain it is opened again where it is, if its host answers', () => {
  assert.equal(decide([stopped, memberFact(2), memberFact(3)], { inVain: true }).start, 'reprotect')
  assert.equal(
    decide([memberFact(1, unseen), memberFact(2), memberFact(3)], { inVain: true }).start,
    'zone-failover',
  )
})

test('a leader that runs as a standby is opened once that has lasted', () => {
  const members = [memberFact(1, { role: 'standby' }), memberFact(2), memberFact(3)]
  assert.equal(decide(members, { detection: up }).start, 'nothing')
  const displacedMs = new Map([['mbr_ledger1', 3_000]])
  assert.equal(decide(members, { detection: up, displacedMs }).start, 'reprotect')
})

test('misled clients come before a displaced standby only while somebody acknowledges', () => {
  const misled = { reason: 'db on client leads to nowhere', forMs: 5_000 }
  const displacedMs = new Map([
    ['mbr_ledger2', 60_000],
    ['mbr_ledger3', 60_000],
  ])
  const out = { role: 'stopped', receiving: false } as const
  const one = decide([memberFact(1), memberFact(2, out), memberFact(3)], {
    detection: up,
    misled,
    displacedMs,
  })
  assert.equal('member' in one && one.member, 'p1')
  const none = decide([memberFact(1), memberFact(2, out), memberFact(3, out)], {
    detection: up,
    misled,
    displacedMs,
  })
  assert.equal('member' in none && none.member, 'p2')
})

test('of two members the leader is opened again where it is, as long as its host answers', () => {
  const pair = { leader: { ...leader, publishedSync: ['p2'] } }
  const decision = decide([stopped, memberFact(2)], pair)
  assert.deepEqual([decision.start, 'member' in decision && decision.member], ['reprotect', 'p1'])
})

test('of two members the last copy is opened by a person only, and the status says how', () => {
  const pair = { leader: { ...leader, publishedSync: ['p2'] } }
  const decision = decide([memberFact(1, unseen), memberFact(2)], pair)
  assert.equal(decision.start, 'nothing')
  assert.match(decision.reason, /single copy.*--param single-copy=accepted/)
})

test('under an asynchronous policy a person accepts the loss, and the status says how', () => {
  const { policy } = clusters(simulatedEstate({ synchronousCount: 0 }))[0] ?? {}
  assert.ok(policy !== undefined)
  const unnamed = { policy, leader: { ...leader, publishedSync: [], publishedCount: 0 } }
  const decision = decide([memberFact(1, unseen), memberFact(2), memberFact(3)], unnamed)
  assert.equal(decision.start, 'nothing')
  assert.match(decision.reason, /asynchronous.*--param accept-loss=yes/)
  assert.equal(decide([stopped, memberFact(2), memberFact(3)], unnamed).start, 'reprotect')
})
