import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capturingEstate } from '../../test/support/capturing-estate.ts'
import { primaryNaming, standbyOf } from '../../test/support/memory-member.ts'
import type { AgentView, MemberView } from '../agent/wire.ts'
import type { MemberFacts } from '../domain/facts.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import type { MemberObservation } from '../ports/database-member.ts'
import type { CaptureView } from '../ports/kept-copies.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { factsFromViews } from './facts-from-views.ts'
import { ViewBoard } from './view-board.ts'

const estate = simulatedEstate()
const nowMs = 100_000

const record: LeaderRecord = {
  member: 'mbr_ledger1',
  epoch: 3,
  systemIdentifier: '73',
  publishedSync: ['p2', 'p3'],
  publishedCount: 1,
  switchesMs: [],
}

interface Report {
  readonly host: string
  readonly member: `mbr_${string}`
  readonly observation: MemberObservation
  readonly arrivedMs?: number
  readonly ageMs?: number
}

function boardOf(...reports: readonly Report[]): ViewBoard {
  const board = new ViewBoard()
  for (const { host, member, observation, arrivedMs = nowMs - 100, ageMs = 50 } of reports) {
    const members: MemberView[] = [{ component: 'cmp_ledger', member, observation, ageMs, fenced: false }]
    const instances = [{ component: 'cmp_engine0' as const, running: true, ready: true }]
    const view: AgentView = { members, probes: [], gates: [], instances, epochs: [] }
    const id = `hst_${host.padEnd(6, '0')}` as const
    board.record(
      { format: 'pointzero/agent-wire/1', estate: estate.id, host: id, boot: 'one', sequence: 1, view },
      arrivedMs,
    )
  }
  return board
}

function factsOf(board: ViewBoard, leaders = new Map([['cmp_ledger', record]])) {
  return factsFromViews({ estate, board, nowMs, freshMs: 1_000, leaders })
}

function memberOf(board: ViewBoard, name: string): MemberFacts {
  const found = factsOf(board).clusters[0]?.members.find((one) => one.name === name)
  assert.ok(found)
  return found
}

const first: Report = { host: 'az1', member: 'mbr_ledger1', observation: primaryNaming('p2', 'p3') }
const second: Report = { host: 'az2', member: 'mbr_ledger2', observation: standbyOf('10.0.0.1:5432') }

test('a fresh report says what the member is', () => {
  const seen = memberOf(boardOf(first, second), 'p1')
  assert.equal(seen.reachable, true)
  assert.equal(seen.role, 'primary')
  assert.equal(memberOf(boardOf(first, second), 'p2').receiving, true)
})

test('a host that does not report any more is unreachable, and everything about it unknown', () => {
  const seen = memberOf(boardOf({ ...first, arrivedMs: nowMs - 1_001 }), 'p1')
  assert.equal(seen.reachable, false)
  assert.equal(seen.role, 'unknown')
  assert.equal(seen.systemIdentifier, '')
  const [instance] = factsOf(boardOf({ ...first, arrivedMs: nowMs - 1_001 })).instances
  assert.deepEqual([instance?.reachable, instance?.running], [false, false])
})

test('a host that never reported is unknown, not down', () => {
  const seen = memberOf(boardOf(), 'p3')
  assert.equal(seen.reachable, false)
  assert.equal(seen.role, 'unknown')
})

test('an old reading in a fresh report is unknown: the agent answers, its member does not', () => {
  const seen = memberOf(boardOf({ ...first, ageMs: 30_000 }), 'p1')
  assert.equal(seen.reachable, true)
  assert.equal(seen.role, 'unknown')
  assert.equal(memberOf(boardOf({ ...second, ageMs: 30_000 }), 'p2').receiving, false)
})

test('a standby that follows anybody but the leader does not receive from the leader', () => {
  const astray = { ...second, observation: standbyOf('10.0.0.3:5432') }
  assert.equal(memberOf(boardOf(first, astray), 'p2').receiving, false)
})

test('a receiver that retries in vain does not count as receiving', () => {
  const retrying = { ...standbyOf('10.0.0.1:5432'), receiving: true, streaming: false }
  assert.equal(memberOf(boardOf(first, { ...second, observation: retrying }), 'p2').receiving, false)
})

test('what leads and who may acknowledge come from the control store, not from what members say', () => {
  const [cluster] = factsOf(boardOf(first, second)).clusters
  assert.equal(cluster?.leader, 'mbr_ledger1')
  assert.deepEqual(cluster?.publishedSync, ['p2', 'p3'])
  const [unadopted] = factsOf(boardOf(first), new Map()).clusters
  assert.deepEqual([unadopted?.leader, unadopted?.systemIdentifier, unadopted?.publishedCount], ['', '', 0])
})

test('LSNs, lags and ages are not among the facts: they move every millisecond', () => {
  const moved = { ...first, observation: { ...first.observation, flushLsn: 'F/F' as never }, ageMs: 60 }
  assert.deepEqual(factsOf(boardOf(moved, second)), factsOf(boardOf(first, second)))
  assert.ok(!JSON.stringify(factsOf(boardOf(first, second))).includes('0/3000000'))
})

test('bypasses are sorted, so that the same ones give the same plan', () => {
  const with2 = (...bypasses: readonly string[]) =>
    memberOf(boardOf({ ...first, observation: { ...first.observation, bypasses } }), 'p1').bypasses
  assert.deepEqual(with2('b', 'a'), with2('a', 'b'))
})

function captureFact(standbys: readonly string[], capture: Partial<CaptureView> = {}, board = boardOf()) {
  const streaming = standbys.map((name) => ({ name, state: 'streaming', syncState: 'async' }))
  const observation = { ...primaryNaming('p2', 'p3'), standbys: streaming }
  const { host, member } = first
  board.record(
    {
      format: 'pointzero/agent-wire/1',
      estate: estate.id,
      host: `hst_${host.padEnd(6, '0')}`,
      boot: 'one',
      sequence: 1,
      view: {
        members: [{ component: 'cmp_ledger', member, observation, ageMs: 50, fenced: false }],
        ...nothingElse,
      },
    },
    nowMs - 100,
  )
  const view: CaptureView = {
    applicationName: 'wal',
    protection: { kind: 'streaming', exposedBytes: 7 },
    source: '10.0.0.1:5432',
    timeline: 1,
    durableLsn: null,
    exposedMs: 12,
    alarms: [],
    ...capture,
  }
  const found = {
    systemIdentifier: '73',
    snapshots: [],
    broken: [],
    brokenBefore: [],
    problems: [],
    readAgeMs: 1,
  }
  const copies = [{ component: 'cmp_ledger' as const, ...found, capture: view }]
  board.record(
    {
      format: 'pointzero/agent-wire/1',
      estate: estate.id,
      host: 'hst_client',
      boot: 'one',
      sequence: 1,
      view: { members: [], ...nothingElse, copies },
    },
    nowMs - 100,
  )
  const leaders = new Map([['cmp_ledger', record]])
  const declaring = capturingEstate({ synchronous: true })
  return factsFromViews({ estate: declaring, board, nowMs, freshMs: 1_000, leaders }).copies?.[0]?.capture
}

const nothingElse = { probes: [], gates: [], instances: [], epochs: [] } as const

test('a capture is what it says of itself and what the leader says of it; how far it is behind is not there', () => {
  const sound = { applicationName: 'wal', from: 'mbr_ledger1', isWhole: true, connections: 1 }
  assert.deepEqual(captureFact(['p2', 'wal']), sound)
  assert.deepEqual(captureFact(['p2', 'wal', 'WAL']), { ...sound, connections: 2 })
  assert.deepEqual(captureFact(['p2', 'wal'], { source: '10.0.0.2:5432' }), { ...sound, from: 'mbr_ledger2' })
  const degraded = { kind: 'degraded', sinceMs: 1, reason: 'gone' } as const
  assert.deepEqual(captureFact(['p2'], { protection: degraded }), { ...sound, from: '', connections: 0 })
})

test('an estate whose captures nobody may wait for has the facts that it had', () => {
  const board = boardOf(first)
  const leaders = new Map([['cmp_ledger', record]])
  const plain = factsFromViews({ estate: capturingEstate(), board, nowMs, freshMs: 1_000, leaders })
  assert.equal(plain.copies?.[0]?.capture, undefined)
})
