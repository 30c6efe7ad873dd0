import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capturingEstate, capturingFacts } from '../../test/support/capturing-estate.ts'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { CaptureFacts, ClusterFacts } from '../domain/facts.ts'
import { captureReadiness } from './capture-readiness.ts'
import { clusterNamed } from './estate-lookup.ts'
import { readiness } from './readiness.ts'

const estate = capturingEstate({ synchronous: true })
const each = { publishedSync: ['p2', 'p3', 'wal'], publishedCount: 3 }
const some = { publishedSync: ['p2', 'p3', 'wal'], publishedCount: 2 }

function seen(cluster: Partial<ClusterFacts>, capture: Partial<CaptureFacts> = {}, of = estate): string {
  const { clusters, copies } = capturingFacts(sampleFacts(cluster), capture)
  const found = captureReadiness(clusterNamed(of, 'ledger'), clusters[0] as ClusterFacts, copies)
  return found === undefined ? 'nothing' : `${found.colour}: ${found.reason}`
}

test('says nothing while commits wait for it and it receives, or none is declared', () => {
  assert.equal(seen(each), 'nothing')
  assert.equal(seen(some), 'nothing')
  assert.equal(seen({}, {}, capturingEstate()), 'nothing')
})

test('is red when commits wait for a capture that does not receive, with the command that lets them go on', () => {
  for (const away of [{ connections: 0 }, { from: '' }, { applicationName: 'other' }] as const)
    assert.match(seen(each, away), /^RED: commits wait for wal, .*synchronous-capture --param switch=off/)
  const members = [memberFact(1), memberFact(2), memberFact(3, unseen)]
  assert.match(seen({ ...some, members }, { connections: 0 }), /^RED: commits wait for wal/)
})

test('is amber while the standbys can do without it, and while it is declared and not switched on', () => {
  assert.match(seen(some, { connections: 0 }), /^AMBER: wal does not receive: losing a standby too/)
  assert.match(seen({}), /^AMBER: commits do not wait for wal, .*switch=on/)
})

test('is amber when a namesake is counted as well', () => {
  assert.match(seen(some, { connections: 2 }), /^AMBER: 2 connections stream as wal, and each counts/)
})

test('is unknown when its host does not answer and the primary still streams to it', () => {
  const { clusters, copies = [] } = capturingFacts(sampleFacts(each), { from: '', applicationName: '' })
  const silent = copies.map((one) => ({ ...one, reachable: false }))
  const found = captureReadiness(clusterNamed(estate, 'ledger'), clusters[0] as ClusterFacts, silent)
  assert.equal(found?.colour, 'UNKNOWN')
})

test('says nothing of a primary that nobody sees: others do', () => {
  assert.equal(seen({ ...each, members: [memberFact(1, unseen), memberFact(2), memberFact(3)] }), 'nothing')
})

test('the component has its colour, and the count of members is judged without it', () => {
  const facts = capturingFacts(sampleFacts(each), { connections: 0 })
  const [ledger] = readiness(estate, { facts })
  assert.match(`${ledger?.colour}: ${ledger?.reason}`, /^RED: commits wait for wal/)
  // One of two names is a capture, which holds nothing that could be promoted.
  const half = capturingFacts(sampleFacts({ ...some, publishedCount: 1 }))
  assert.match(
    readiness(estate, { facts: half })[0]?.reason ?? '',
    /commits wait for 0 standbys now, the policy says 1/,
  )
})
