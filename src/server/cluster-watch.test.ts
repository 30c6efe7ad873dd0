import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memberFact, sampleFacts } from '../../test/support/sample-facts.ts'
import { primaryNaming } from '../../test/support/memory-member.ts'
import type { AgentView, ProbeView } from '../agent/wire.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import type { MemberObservation } from '../ports/database-member.ts'
import type { Estate, PostgresPolicy } from '../estate/estate.ts'
import { clusters, hostNamed } from '../estate/estate-lookup.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { ViewBoard } from '../watch/view-board.ts'
import { ClusterWatch } from './cluster-watch.ts'
import type { ClusterMoment } from './cluster-watch.ts'

const leader: LeaderRecord = {
  member: 'mbr_ledger1',
  epoch: 3,
  systemIdentifier: '73',
  publishedSync: ['p2', 'p3'],
  publishedCount: 1,
  switchesMs: [],
}

/** A watch that is fed by hand: what observers report, and when. */
function watched(estate: Estate = simulatedEstate()) {
  const [cluster] = clusters(estate)
  assert.ok(cluster)
  const board = new ViewBoard()
  const watch = new ClusterWatch(estate, cluster, board)
  let sequence = 0
  const report = (host: string, arrivedMs: number, view: Partial<AgentView>): void => {
    sequence += 1
    const whole: AgentView = { members: [], probes: [], gates: [], instances: [], epochs: [], ...view }
    const { id } = hostNamed(estate, host)
    board.record(
      { format: 'pointzero/agent-wire/1', estate: estate.id, host: id, boot: 'one', sequence, view: whole },
      arrivedMs,
    )
  }
  const silence = (host: string, silentMs: number, arrivedMs = 0): void =>
    report(host, arrivedMs, { probes: [probe(silentMs)] })
  const own = (observation: MemberObservation, arrivedMs = 0): void =>
    report('az1', arrivedMs, {
      members: [{ component: 'cmp_ledger', member: 'mbr_ledger1', observation, ageMs: 0, fenced: false }],
    })
  const judge = (changed: Partial<ClusterMoment> = {}) =>
    watch.judge({
      nowMs: 100,
      wallMs: 5_000,
      facts: sampleFacts(),
      leader,
      busy: false,
      probes: [],
      ...changed,
    })
  return { watch, silence, own, judge }
}

function probe(silentMs: number): ProbeView {
  return { member: 'mbr_ledger1', silentMs, ageMs: 0 }
}

test('two zones without an answer start the failover, one does not', () => {
  const { watch, silence, judge } = watched()
  silence('az2', 2_000)
  silence('az3', 0)
  assert.equal(judge().start, 'nothing')
  assert.equal(watch.detection.state, 'degraded')
  silence('az3', 2_000)
  assert.equal(judge().start, 'zone-failover')
})

test('the control plane observes too: with one zone it is the second place', () => {
  const { silence, judge } = watched()
  silence('az2', 2_000)
  assert.equal(judge({ probes: [probe(2_000)] }).start, 'zone-failover')
})

test('a control plane in a zone is no second place beside the agents of that zone', () => {
  const estate = simulatedEstate()
  const hosts = estate.hosts.map((host) => (host.name === 'ctl' ? { ...host, zone: 'az2' } : host))
  const { silence, judge } = watched({ ...estate, hosts })
  silence('az2', 2_000)
  silence('az3', 0)
  assert.equal(judge({ probes: [probe(2_000)] }).start, 'nothing')
})

test('a control plane in the zone of the primary is no independent observer of it', () => {
  const estate = simulatedEstate()
  const hosts = estate.hosts.map((host) => (host.name === 'ctl' ? { ...host, zone: 'az1' } : host))
  const { silence, judge } = watched({ ...estate, hosts })
  silence('az2', 2_000)
  silence('az3', 0)
  assert.equal(judge({ probes: [probe(2_000)] }).start, 'nothing')
})

test('reports that stopped coming make it unknown, not down', () => {
  const { watch, silence, judge } = watched()
  silence('az2', 2_000, 0)
  silence('az3', 2_000, 0)
  assert.equal(judge({ nowMs: 60_000 }).start, 'nothing')
  assert.equal(watch.detection.state, 'unknown')
})

test('the end of the postmaster, seen by its own agent, is enough', () => {
  const { own, silence, judge } = watched()
  silence('az2', 0)
  silence('az3', 0)
  own({ role: 'stopped' })
  assert.equal(judge().start, 'zone-failover')
})

test('a leader that the estate does not declare is unknown', () => {
  const { watch, silence, judge } = watched()
  silence('az2', 2_000)
  silence('az3', 2_000)
  assert.equal(judge({ leader: { ...leader, member: 'mbr_gone000' } }).start, 'nothing')
  assert.equal(watch.detection.state, 'unknown')
})

test('how long a member is out of place counts from when it was first seen so, and anew after a run', () => {
  const members = [memberFact(1), memberFact(2, { role: 'stopped', receiving: false }), memberFact(3)]
  const facts = sampleFacts({ members })
  const { own, silence, judge } = watched()
  const at = (nowMs: number, busy = false) => {
    own(primaryNaming('p2', 'p3'), nowMs)
    silence('az2', 0, nowMs)
    silence('az3', 0, nowMs)
    return judge({ facts, nowMs, busy }).start
  }
  assert.equal(at(0), 'nothing')
  assert.equal(at(2_900), 'nothing')
  assert.equal(at(3_000), 'reprotect')
  assert.equal(at(3_100, true), 'nothing')
  assert.equal(at(3_200), 'nothing')
  assert.equal(at(6_100), 'reprotect')
})

test('a standby that receives for a moment only, again and again, is out of its place all the time', () => {
  const { own, silence, judge } = watched()
  const at = (nowMs: number, receiving: boolean) => {
    own(primaryNaming('p2', 'p3'), nowMs)
    silence('az2', 0, nowMs)
    silence('az3', 0, nowMs)
    const members = [memberFact(1), memberFact(2, { receiving }), memberFact(3)]
    return judge({ facts: sampleFacts({ members }), nowMs }).start
  }
  for (let nowMs = 0; nowMs < 30_000; nowMs += 250)
    assert.equal(at(nowMs, nowMs % 2_000 === 1_000), 'nothing')
  assert.equal(at(30_000, false), 'reprotect')
  for (let nowMs = 30_250; nowMs <= 32_000; nowMs += 250) assert.equal(at(nowMs, true), 'nothing')
  assert.equal(at(40_000, false), 'nothing')
  assert.equal(at(69_000, false), 'nothing')
})

test('under an asynchronous policy nobody is out of place for not being named', () => {
  const policy: Partial<PostgresPolicy> = { synchronousCount: 0 }
  const { own, silence, judge } = watched(simulatedEstate(policy))
  const unnamed = { ...leader, publishedSync: [], publishedCount: 0 }
  for (const nowMs of [0, 60_000]) {
    own(primaryNaming(), nowMs)
    silence('az2', 0, nowMs)
    silence('az3', 0, nowMs)
    assert.equal(judge({ nowMs, leader: unnamed }).start, 'nothing')
  }
})

test('the account says when it was declared, how long it was silent, and why', () => {
  const { watch, silence, judge } = watched()
  silence('az2', 2_000)
  silence('az3', 2_500)
  judge()
  const moment = { nowMs: 100, wallMs: 5_000, facts: sampleFacts(), leader, busy: false, probes: [] }
  assert.deepEqual(watch.account(moment), {
    declaredAtMs: 5_000,
    silentMs: 2_500,
    reason: '2 of 2 independent observers had no answer for 1500 ms (az2, az3)',
  })
})
