import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ClusterFacts, Facts, MemberFacts } from '../domain/facts.ts'
import type { Estate } from './estate.ts'
import { parseEstate } from './parse-estate.ts'
import { readiness, worstColour } from './readiness.ts'
import type { EvidenceSummary, Known } from './verdict.ts'

const read = (name: string) =>
  readFileSync(new URL(`../../examples/exchange/${name}`, import.meta.url), 'utf8')
const declared = parseEstate(read('estate.yaml'), 'estate.yaml')
/** The exchange with the one objective that its zone failover can keep. */
const estate: Estate = { ...declared, objectives: [{ scenario: 'zone-loss', rpoMs: 0, rtoMs: 300_000 }] }
const facts = JSON.parse(read('facts.json')) as Facts

const evidence: readonly EvidenceSummary[] = ['ledger', 'ledger-gate', 'matching-engine', 'order-gate'].map(
  (component) => ({
    bundle: 'drill-1',
    procedure: 'zone-failover',
    scenario: 'zone-loss',
    component,
    outcome: 'passed',
    rpoMs: 0,
    rtoMs: 5000,
    sizeBytes: 64 * 2 ** 30,
    endedAtMs: 0,
    expiresAtMs: 10,
  }),
)
const healthy: Known = { facts, evidence, nowMs: 1 }

function colour(name: string, known: Known = healthy, of: Estate = estate): string {
  const found = readiness(of, known).find(({ component }) => component === name)
  assert.ok(found)
  return `${found.colour}: ${found.reason}`
}

function seen(change: (cluster: ClusterFacts) => Partial<ClusterFacts>): Known {
  return {
    ...healthy,
    facts: { ...facts, clusters: facts.clusters.map((cluster) => ({ ...cluster, ...change(cluster) })) },
  }
}

function member(name: string, fields: Partial<MemberFacts>): Known {
  return seen(({ members }) => ({
    members: members.map((one) => (one.name === name ? { ...one, ...fields } : one)),
  }))
}

test('green needs proof of every objective and a fresh look at everything', () => {
  assert.match(colour('ledger'), /^GREEN/)
  assert.match(colour('matching-engine'), /^GREEN/)
  assert.match(colour('order-gate'), /^GREEN/)
  assert.match(colour('ledger', { facts, nowMs: 1 }), /^AMBER: zone-loss, RPO PT0S/)
  assert.match(colour('ledger', { evidence, nowMs: 1 }), /^UNKNOWN: nothing was observed/)
})

test('what the control plane does not judge is red, however well it looked', () => {
  const { id = '' } = estate.components.find(({ name }) => name === 'ledger') ?? {}
  assert.match(
    colour('ledger', { ...healthy, blind: new Map([[id, 'judging it fails']]) }),
    /^RED: the control plane is blind to it, nothing starts by itself: judging it fails/,
  )
})

test('what this version can not recover is never green', () => {
  for (const name of ['order-journal', 'exchange-kubernetes', 'api-gateway', 'public-dns']) {
    assert.match(colour(name), /^AMBER: not yet recoverable by this version/)
  }
})

test('a refuted objective is red, whatever is observed', () => {
  assert.match(colour('ledger', healthy, declared), /^RED: region-loss, RPO PT0S/)
  assert.match(colour('ledger', {}, declared), /^RED: region-loss/)
})

test('a component without a policy is red', () => {
  const components = estate.components.map((one) => ({
    ...one,
    ...(one.name === 'ledger' && { unprotected: true as const }),
  }))
  assert.match(colour('ledger', healthy, { ...estate, components }), /^RED: no policy/)
})

test('an exclusion is shown, and is not green', () => {
  const exclusions = [{ component: 'ledger', owner: 'ann', reason: 'moved', expires: '2027-01-01' }]
  assert.match(colour('ledger', healthy, { ...estate, exclusions }), /^AMBER: excluded/)
})

const observations: readonly [string, Known, RegExp][] = [
  [
    'the primary does not answer',
    member('ledger-a', { reachable: false }),
    /^UNKNOWN: its primary does not answer/,
  ],
  ['the role of the primary is unknown', member('ledger-a', { role: 'unknown' }), /^UNKNOWN/],
  [
    'the leader runs as a standby',
    member('ledger-a', { role: 'standby' }),
    /^RED: ledger-a should be primary/,
  ],
  ['two primaries run', member('ledger-b', { role: 'primary' }), /^RED: ledger-b also runs as primary/],
  [
    'a member holds another database',
    member('ledger-b', { systemIdentifier: '1' }),
    /^RED: ledger-b holds another database/,
  ],
  [
    'no standby receives',
    seen(({ members }) => ({ members: members.map((one) => ({ ...one, receiving: false })) })),
    /^RED: 0 standbys receive, commits need 1/,
  ],
  ['one standby is left', member('ledger-c', { receiving: false }), /^AMBER: no standby to spare/],
  [
    'a standby elsewhere is silent',
    member('ledger-west-a', { reachable: false }),
    /^AMBER: ledger-west-a does not answer/,
  ],
  ['nobody leads yet', seen(() => ({ leader: '' })), /^UNKNOWN: it has not been adopted/],
  ['the cluster was not observed', { ...healthy, facts: { ...facts, clusters: [] } }, /^UNKNOWN/],
]
for (const [label, known, expected] of observations) {
  test(`says so when ${label}`, () => assert.match(colour('ledger', known), expected))
}

test('gates and compute are as good as the places that answer', () => {
  const gates = facts.gates.map((gate, index) => ({ ...gate, reachable: index > 0 }))
  assert.match(
    colour('ledger-gate', { ...healthy, facts: { ...facts, gates } }),
    /^AMBER: 2 of 3 places answer/,
  )
  assert.match(colour('ledger-gate', { ...healthy, facts: { ...facts, gates: [] } }), /^UNKNOWN/)
  const instances = facts.instances.map((instance) => ({ ...instance, running: false }))
  assert.match(
    colour('matching-engine', { ...healthy, facts: { ...facts, instances } }),
    /^RED: no instance runs/,
  )
})

test('the colour of several is that of the worst', () => {
  assert.equal(worstColour(['GREEN', 'AMBER', 'UNKNOWN']), 'UNKNOWN')
  assert.equal(worstColour(['UNKNOWN', 'RED']), 'RED')
  assert.equal(worstColour(['GREEN']), 'GREEN')
  assert.equal(worstColour([]), 'UNKNOWN')
})
