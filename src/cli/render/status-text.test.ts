import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Facts } from '../../domain/facts.ts'
import type { LeaderRecord } from '../../domain/leader-record.ts'
import { isBuilt } from '../../estate/built-recoveries.ts'
import { parseEstate } from '../../estate/parse-estate.ts'
import { readiness } from '../../estate/readiness.ts'
import type { ClusterStatus } from '../../server/status-wire.ts'
import { paintFor } from './paint.ts'
import { statusText } from './status-text.ts'

const read = (file: string) =>
  readFileSync(new URL(`../../../examples/exchange/${file}`, import.meta.url), 'utf8')
const estate = parseEstate(read('estate.yaml'), 'estate.yaml')
const facts = JSON.parse(read('facts.json')) as Facts
const status = {
  productVersion: '0.1.0',
  estate: estate.id,
  sandbox: false,
  facts,
  clusters: [],
  hosts: [{ host: 'app1' }, { host: estate.controlPlane.host }],
}

function shown(of: typeof estate, sandbox = false): string {
  const ready = readiness(of, { facts, nowMs: 1 })
  return statusText(
    { estate: of, status: { ...status, sandbox }, readiness: ready },
    paintFor({ hasColour: false }),
  )
}

function lineOf(text: string, component: string): string {
  return text.split('\n').find((line) => line.startsWith(`${component} `)) ?? ''
}

test('every component has a colour in words, and none is green without proof', () => {
  const text = shown(estate)
  for (const { name } of estate.components) assert.match(lineOf(text, name), / (RED|UNKNOWN|AMBER) /)
  assert.doesNotMatch(text, / GREEN /)
})

test('a kind that is not built is not yet recoverable', () => {
  const calm = { ...estate, objectives: [] }
  const text = shown(calm)
  const others = calm.components.filter(({ kind }) => !isBuilt(kind))
  assert.ok(others.length > 0)
  for (const { name } of others) assert.match(lineOf(text, name), /AMBER +not yet recoverable/)
})

test('a component without a policy is red', () => {
  const components = estate.components.map((one) =>
    one.name === 'ledger' ? { ...one, unprotected: true as const } : one,
  )
  assert.match(lineOf(shown({ ...estate, components }), 'ledger'), / RED +no policy/)
})

test('a host that never reported is unknown, unless it is the one that answers; a sandbox says that it is one', () => {
  assert.match(shown(estate), /app1 +never: unknown/)
  const { host } = estate.controlPlane
  assert.equal(lineOf(shown(estate), host).replaceAll(/ +/g, ' '), `${host} the control plane answers`)
  assert.doesNotMatch(shown(estate), /SANDBOX/)
  assert.match(shown(estate, true), /SANDBOX: its runs are drills/)
})

test('what an agent has been doing for long is told, and what waits for it', () => {
  const nothing = { members: [], probes: [], gates: [], instances: [], epochs: [] }
  const effect = { action: 'postgres.rejoin', run: 'run_1', step: 'rejoin-ledger-a', forMs: 250_000 }
  const next = {
    ...effect,
    action: 'postgres.follow',
    step: 'follow-ledger-a',
    forMs: 12_000,
    waits: true as const,
  }
  const hosts = [{ host: 'app1', ageMs: 3, view: { ...nothing, underWay: [effect, next] } }]
  const text = statusText(
    { estate, status: { ...status, hosts }, readiness: [] },
    paintFor({ hasColour: false }),
  )
  assert.match(text, /app1: postgres.rejoin of run_1 \(rejoin-ledger-a\) under way for 4 min 10 s\n/)
  assert.match(text, /app1: postgres.follow of run_1 \(follow-ledger-a\) waits for its turn for 12.0 s\n$/)
})

test('a single copy stands above its members until it ends, with who accepted it and since when', () => {
  const ledger = facts.clusters[0]
  assert.ok(ledger !== undefined && ledger.leader !== '')
  const leader = {
    member: ledger.leader,
    epoch: 4,
    systemIdentifier: ledger.systemIdentifier,
    publishedSync: [],
    publishedCount: 0,
    switchesMs: [],
  }
  const cluster = (record: LeaderRecord): ClusterStatus => ({
    component: ledger.component,
    leader: record,
    detection: { state: 'up', reason: 'all is well', silentMs: 0 },
    openRun: '',
    automatic: '',
    epoch: 4,
    staleReadBoundMs: 3_350,
  })
  const observation = { role: 'standby' as const }
  const kept = [{ path: '/data.kept-1', bytes: 12_345_678 }]
  const member = {
    component: ledger.component,
    member: ledger.leader,
    observation,
    ageMs: 1,
    fenced: false,
    kept,
  }
  const view = { members: [member], probes: [], gates: [], instances: [], epochs: [] }
  const text = (record: LeaderRecord, unprotected: Facts = facts): string =>
    statusText(
      {
        estate,
        status: {
          ...status,
          facts: unprotected,
          clusters: [cluster(record)],
          hosts: [{ host: 'az1', view }],
        },
        readiness: readiness(estate, { facts: unprotected, nowMs: 1 }),
      },
      paintFor({ hasColour: false }),
    )
  const single = { acceptedBy: ['prn_one', 'prn_two'], atMs: 0 }
  assert.match(
    text({ ...leader, singleCopy: single }),
    /RED: SINGLE COPY since 1970-01-01T00:00:00.000Z, accepted by prn_one, prn_two; .*reprotect/,
  )
  assert.doesNotMatch(text(leader), /SINGLE COPY|NOT WATCHED|REFUSES/)
  const members = ledger.members.map((one) =>
    one.member === ledger.leader ? { ...one, refusesWrites: true } : one,
  )
  assert.match(
    text(leader, { ...facts, clusters: [{ ...ledger, members }] }),
    /RED: \S+ REFUSES WRITES and no run is open: .*`pointzero run reprotect --param member=/,
  )
  const unseen = { ...cluster(leader), blind: 'judging it fails' }
  assert.match(
    statusText(
      { estate, status: { ...status, clusters: [unseen] }, readiness: [] },
      paintFor({ hasColour: false }),
    ),
    /RED: NOT WATCHED: nothing starts by itself; see `judgement-failed`/,
  )
  assert.match(text(leader), /^ {2}left on az1 by a rejoin: \/data\.kept-1, 12\.3 MB$/m)
  assert.match(text(leader), /^ {2}an isolated primary stops itself; stale reads for at most 3350 ms$/m)
  const [first, ...others] = facts.clusters
  const alone = {
    ...facts,
    clusters: [{ ...first, publishedSync: [], publishedCount: 0 }, ...others],
  } as Facts
  assert.match(lineOf(text(leader, alone), 'ledger'), / RED /)
})

test('maintenance stands above everything, by whom and since when, with each gate that does not agree', () => {
  const maintenance = {
    format: 'pointzero/maintenance/1',
    on: true,
    epoch: 2,
    gates: ['cmp_ledgergate01'],
    message: 'Closed.',
    sinceMs: 0,
    run: 'run_one',
    requestedBy: 'prn_one',
    approvedBy: ['prn_two'],
  } as const
  const gate = estate.components.find(({ name }) => name === 'ledger-gate')
  assert.ok(gate?.kind === 'gate')
  const [first, second] = gate.listeners
  assert.ok(first !== undefined && second !== undefined)
  const view = (shut: boolean) => ({
    members: [],
    probes: [],
    gates: [{ component: gate.id, epoch: 1, target: '', ...(shut ? ({ shut } as { shut: true }) : {}) }],
    instances: [],
    epochs: [],
  })
  const text = (on: boolean): string =>
    statusText(
      {
        estate,
        status: {
          ...status,
          hosts: [
            { host: first.host, ageMs: 1, view: view(true) },
            { host: second.host, ageMs: 1, view: view(false) },
          ],
          maintenance: { ...maintenance, gates: [gate.id], on },
        },
        readiness: [],
      },
      paintFor({ hasColour: false }),
    )
  assert.match(
    text(true),
    /^MAINTENANCE: CLIENTS ARE KEPT OUT since 1970-01-01T00:00:00.000Z, asked for by prn_one, approved by prn_two, run_one\n {2}they are told: Closed\.$/m,
  )
  assert.match(text(true), new RegExp(`^ {2}ledger-gate on ${first.host} is closed$`, 'm'))
  assert.match(text(true), new RegExp(`^ {2}ledger-gate on ${second.host} is NOT closed$`, 'm'))
  assert.match(
    text(false),
    new RegExp(`^ {2}ledger-gate on ${first.host} is closed, and no maintenance is on$`, 'm'),
  )
  assert.doesNotMatch(text(false), /KEPT OUT/)
})
