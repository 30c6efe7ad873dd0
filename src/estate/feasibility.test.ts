import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Facts } from '../domain/facts.ts'
import { scenarios } from '../domain/scenario.ts'
import type { Scenario } from '../domain/scenario.ts'
import type { Estate } from './estate.ts'
import { assess } from './feasibility.ts'
import { parseEstate } from './parse-estate.ts'
import type { EvidenceSummary, Known, Verdict } from './verdict.ts'

const read = (name: string) => readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8')
const exchangeText = read('exchange/estate.yaml')
const pointZeroOneText = read('point-zero-one/estate.yaml')
const exchange = parseEstate(exchangeText, 'exchange')
const pointZeroOne = parseEstate(pointZeroOneText, 'point-zero-one')
const exchangeFacts = JSON.parse(read('exchange/facts.json')) as Facts

function verdict(estate: Estate, place: `${Scenario} ${string} ${'rpo' | 'rto'}`, known?: Known): Verdict {
  const [scenario, component, objective] = place.split(' ')
  const found = assess(estate, known).find(
    (one) => one.scenario === scenario && one.component === component && one.objective === objective,
  )
  assert.ok(found, place)
  return found
}

/** The estate with one component changed. */
function changed(estate: Estate, name: string, change: object): Estate {
  const components = estate.components.map((component) =>
    component.name === name ? { ...component, ...change } : component,
  )
  return { ...estate, components }
}

function withObjective(estate: Estate, scenario: Scenario, rpoMs: number, rtoMs: number): Estate {
  return { ...estate, objectives: [{ scenario, rpoMs, rtoMs }] }
}

const hourMs = 3_600_000

function withoutCaptures(estate: Estate, name: string): Estate {
  const { protection } = estate.components.find((component) => component.name === name) ?? {}
  return changed(estate, name, { protection: { ...protection, captures: [] } })
}

test('an RPO of 1 h with daily backups and no capture of WAL is refuted, with the schedule and the smallest change', () => {
  const found = verdict(withoutCaptures(pointZeroOne, 'accounts'), 'corruption accounts rpo')
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.why, /up to P1DT1H are lost, PT1H are allowed: .*backup daily, every day/)
  assert.match(found.smallestChange ?? '', /^add protection\.captures\.wal with maxLag at most PT1H$/)
})

test('if the site burns, a monthly offsite copy of a weekly backup may be 38 days old', () => {
  const found = verdict(withoutCaptures(pointZeroOne, 'accounts'), 'estate-loss accounts rpo')
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.why, /up to P38DT2H are lost.*monthly-offsite, every month/)
  assert.match(found.smallestChange ?? '', /wal to an offsite store with maxLag at most PT1H/)
})

test('capturing WAL within the hour makes the same objective unproven, not proven', () => {
  const found = verdict(pointZeroOne, 'estate-loss accounts rpo')
  assert.equal(found.verdict, 'UNPROVEN')
  assert.match(found.why, /at most PT5M are lost while it keeps up: capture wal/)
})

test('RPO 0 for the loss of a region over asynchronous standbys is refuted', () => {
  const found = verdict(exchange, 'region-loss ledger rpo')
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.why, /asynchronous replication to us-west-2/)
  assert.match(
    found.smallestChange ?? '',
    /let ledger-west-a, ledger-west-b acknowledge and set .*synchronousCount to 3.*70 ms/,
  )
})

test('the smallest change that it names for a region is enough', () => {
  const ledger = exchange.components.find(({ name }) => name === 'ledger')
  assert.ok(ledger?.kind === 'postgres')
  const members = ledger.members.map(({ id, name, host, port, dataDirectory }) => ({
    id,
    name,
    host,
    port,
    dataDirectory,
  }))
  const followed = changed(exchange, 'ledger', { members, policy: { ...ledger.policy, synchronousCount: 3 } })
  assert.equal(verdict(followed, 'region-loss ledger rpo').verdict, 'UNPROVEN')
  const almost = changed(exchange, 'ledger', { members, policy: { ...ledger.policy, synchronousCount: 2 } })
  assert.equal(verdict(almost, 'region-loss ledger rpo').verdict, 'REFUTED')
})

test('RPO 0 for the loss of a zone holds by design when every commit is known in two zones, and is unproven until drilled', () => {
  const found = verdict(exchange, 'zone-loss ledger rpo')
  assert.deepEqual([found.verdict, found.recoverable], ['UNPROVEN', true])
  assert.match(
    found.why,
    /nothing acknowledged is lost: every commit is acknowledged outside of its zone \(ANY 1\)/,
  )
})

test('RPO 0 for the loss of a zone is refuted when two members share a zone and one acknowledgement is enough', () => {
  const ledger = exchange.components.find(({ name }) => name === 'ledger')
  assert.ok(ledger?.kind === 'postgres')
  const members = ledger.members.map((member) =>
    member.name === 'ledger-b' ? { ...member, host: 'engine-host-a' } : member,
  )
  const found = verdict(changed(exchange, 'ledger', { members }), 'zone-loss ledger rpo')
  assert.equal(found.verdict, 'REFUTED')
  assert.match(
    found.smallestChange ?? '',
    /synchronousCount to 2: then no commit is known in us-east-1a only/,
  )
})

test('RPO 0 over asynchronous standbys of the same region is refuted', () => {
  const ledger = exchange.components.find(({ name }) => name === 'ledger')
  assert.ok(ledger?.kind === 'postgres')
  const found = verdict(
    changed(exchange, 'ledger', { policy: { ...ledger.policy, synchronousCount: 0 } }),
    'zone-loss ledger rpo',
  )
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.smallestChange ?? '', /synchronousCount to 1/)
})

test('RPO 0 for corruption is refuted: recovering to a point in time gives up what came after', () => {
  const alone = changed(exchange, 'ledger', { replay: undefined })
  const found = verdict(alone, 'corruption ledger rpo')
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.why, /gives up every write after that point/)
})

test('RPO 0 for corruption is unproven when a journal can replay what came after', () => {
  const found = verdict(exchange, 'corruption ledger rpo')
  assert.deepEqual([found.verdict, found.recoverable], ['UNPROVEN', true])
  assert.match(found.why, /it holds only if order-journal replays every good write/)
})

test('standbys are no copy against corruption', () => {
  const bare = changed(exchange, 'ledger', { protection: undefined, replay: undefined })
  const found = verdict(withObjective(bare, 'corruption', 24 * hourMs, hourMs), 'corruption ledger rpo')
  assert.deepEqual(
    [found.verdict, found.why],
    ['REFUTED', 'a standby repeats the corruption, and there is no other copy'],
  )
})

test('snapshots of a queue at intervals are refuted unless somebody can publish again', () => {
  const strict = withObjective(pointZeroOne, 'component-loss', 0, hourMs)
  const found = verdict(changed(strict, 'jobs', { replay: undefined }), 'component-loss jobs rpo')
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.why, /up to PT15M are lost, PT0S are allowed: .*quarter-hourly, every PT15M/)
  assert.match(found.smallestChange ?? '', /name replay\.sourceOfTruth \(an outbox or event store/)
  const kept = verdict(strict, 'component-loss jobs rpo')
  assert.equal(kept.verdict, 'UNPROVEN')
  assert.match(kept.why, /event-store can give it back/)
})

test('an RTO that the bytes alone exceed is refuted, with the rate that it takes', () => {
  const slow = changed(exchange, 'ledger', { restoreBytesPerSecond: 100 * 2 ** 20 })
  const found = verdict(slow, 'corruption ledger rto')
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.why, /restoring 64 GiB at assumed 100 MiB\/s alone takes PT10M55\.36S, PT5M are allowed/)
  assert.match(found.smallestChange ?? '', /restore at 218\.5 MiB\/s or more, or keep a warm copy of ledger/)
})

test('what waits for a component that is too slow is refuted with it', () => {
  const slow = changed(exchange, 'ledger', { restoreBytesPerSecond: 100 * 2 ** 20 })
  const found = verdict(slow, 'corruption public-dns rto')
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.why, /^it waits for ledger: restoring 64 GiB/)
})

test('a rate that a drill measured counts before the one that was assumed', () => {
  const evidence = [drill({ scenario: 'zone-loss', restoreBytesPerSecond: 50 * 2 ** 20 })]
  const found = verdict(exchange, 'corruption ledger rto', { evidence, nowMs: 0 })
  assert.match(found.why, /at measured 50 MiB\/s/)
  assert.equal(found.verdict, 'REFUTED')
})

test('an RTO is refuted when noticing the failure alone takes longer', () => {
  const ledger = exchange.components.find(({ name }) => name === 'ledger')
  assert.ok(ledger?.kind === 'postgres')
  const sleepy = changed(exchange, 'ledger', { policy: { ...ledger.policy, detectMs: 600_000 } })
  assert.equal(verdict(sleepy, 'zone-loss ledger rto').verdict, 'REFUTED')
})

test('an RTO is refuted when clients keep the old address for longer', () => {
  const dns = exchange.components.find(({ name }) => name === 'public-dns')
  assert.ok(dns?.kind === 'dns' && dns.dns !== undefined)
  const records = dns.dns.records.map((record) => ({ ...record, ttlMs: hourMs }))
  const found = verdict(
    changed(exchange, 'public-dns', { dns: { ...dns.dns, records } }),
    'region-loss public-dns rto',
  )
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.why, /clients keep the old address for PT1H/)
})

test('a procedure that a person starts is named as such', () => {
  assert.match(verdict(exchange, 'region-loss ledger rto').why, /a person has to start it/)
  assert.doesNotMatch(verdict(exchange, 'zone-loss ledger rto').why, /person/)
})

test('what this version can not carry out is not yet recoverable, and never proven', () => {
  const evidence = scenarios.map((scenario) => drill({ scenario, component: 'exchange-kubernetes' }))
  for (const found of assess(exchange, { evidence, nowMs: 1 })) {
    if (found.component !== 'exchange-kubernetes') continue
    assert.equal(found.recoverable, false)
    assert.notEqual(found.verdict, 'PROVEN')
    if (found.verdict === 'UNPROVEN') assert.match(found.why, /^not yet recoverable: /)
  }
})

function drill(fields: Partial<EvidenceSummary>): EvidenceSummary {
  return {
    bundle: 'drill-7',
    procedure: 'zone-failover',
    scenario: 'zone-loss',
    component: 'ledger',
    outcome: 'passed',
    rpoMs: 0,
    rtoMs: 4000,
    sizeBytes: 64 * 2 ** 30,
    endedAtMs: 0,
    expiresAtMs: 1000,
    ...fields,
  }
}

test('nothing is proven without evidence', () => {
  for (const estate of [exchange, pointZeroOne]) {
    assert.ok(assess(estate, { facts: exchangeFacts, nowMs: 0 }).every(({ verdict }) => verdict !== 'PROVEN'))
  }
})

test('a fresh drill at scale that stayed within the objective proves it, and names its bundle', () => {
  const known = { evidence: [drill({})], nowMs: 1 }
  const point = verdict(exchange, 'zone-loss ledger rpo', known)
  assert.deepEqual(
    [point.verdict, point.why, point.smallestChange],
    ['PROVEN', 'drill-7 measured PT0S', undefined],
  )
  assert.equal(verdict(exchange, 'zone-loss ledger rto', known).why, 'drill-7 measured PT4S')
})

const flaws: readonly [string, Partial<EvidenceSummary>, RegExp][] = [
  ['it failed', { outcome: 'failed' }, /it is failed/],
  ['it was inconclusive', { outcome: 'inconclusive' }, /it is inconclusive/],
  ['it was interrupted', { outcome: 'interrupted' }, /it is interrupted/],
  ['it expired', { expiresAtMs: 1 }, /it expired PT0S ago/],
  ['it is from the future', { endedAtMs: 5 }, /dated in the future/],
  ['the data has more than doubled', { sizeBytes: 31 * 2 ** 30 }, /more than twice as large/],
  ['its size is not known', { sizeBytes: undefined as never }, /does not say how much data/],
  ['something was changed since', { voidBecause: 'PostgreSQL went from 17 to 18' }, /went from 17 to 18/],
]
for (const [label, fields, why] of flaws) {
  test(`a drill proves nothing when ${label}`, () => {
    const found = verdict(exchange, 'zone-loss ledger rto', { evidence: [drill(fields)], nowMs: 1 })
    assert.equal(found.verdict, 'UNPROVEN')
    assert.match(found.why, why)
  })
}

test('a drill proves nothing when nobody knows what time it is', () => {
  assert.match(verdict(exchange, 'zone-loss ledger rto', { evidence: [drill({})] }).why, /age is unknown/)
})

test('the newest drill counts, not the best', () => {
  const evidence = [
    drill({ bundle: 'old', endedAtMs: 0 }),
    drill({ bundle: 'new', endedAtMs: 1, outcome: 'failed' }),
  ]
  assert.match(verdict(exchange, 'zone-loss ledger rto', { evidence, nowMs: 2 }).why, /^new does not count/)
})

test('a drill that measured too long refutes', () => {
  const evidence = [drill({ rtoMs: 301_000 })]
  const found = verdict(exchange, 'zone-loss ledger rto', { evidence, nowMs: 1 })
  assert.deepEqual([found.verdict, found.why], ['REFUTED', 'drill-7 measured PT5M1S, PT5M are allowed'])
})

test('evidence does not prove what arithmetic refutes', () => {
  const evidence = [drill({ scenario: 'region-loss' })]
  assert.equal(verdict(exchange, 'region-loss ledger rpo', { evidence, nowMs: 1 }).verdict, 'REFUTED')
})

test('sessions that bypass synchronous_commit void RPO 0 while they are there', () => {
  const clusters = exchangeFacts.clusters.map((cluster) => ({
    ...cluster,
    members: cluster.members.map((member, index) =>
      index === 0 ? { ...member, bypasses: ['role batch: off'] } : member,
    ),
  }))
  const found = verdict(exchange, 'zone-loss ledger rpo', { facts: { ...exchangeFacts, clusters } })
  assert.equal(found.verdict, 'REFUTED')
  assert.match(found.why, /role batch: off on ledger-a/)
})

test('an objective for one component counts before one for all', () => {
  const objectives = [
    { scenario: 'zone-loss', rpoMs: 0, rtoMs: 1000 },
    { scenario: 'zone-loss', components: ['ledger'], rpoMs: 0, rtoMs: 9000 },
  ] as const
  assert.equal(verdict({ ...exchange, objectives }, 'zone-loss ledger rto').targetMs, 9000)
  assert.equal(verdict({ ...exchange, objectives }, 'zone-loss order-gate rto').targetMs, 1000)
})

test('an exclusion takes a component out until its day', () => {
  const exclusions = [{ component: 'order-journal', owner: 'ann', reason: 'moved', expires: '2027-01-01' }]
  const of = (nowMs: number) =>
    assess({ ...exchange, exclusions }, { nowMs }).filter(({ component }) => component === 'order-journal')
      .length
  assert.equal(of(Temporal.Instant.from('2026-12-31T23:59:59Z').epochMilliseconds), 0)
  assert.ok(of(Temporal.Instant.from('2027-01-01T00:00:00Z').epochMilliseconds) > 0)
})

test('the same estate gives the same verdicts, in the order of declaration', () => {
  assert.deepEqual(assess(exchange), assess(parseEstate(exchangeText, 'again')))
})
