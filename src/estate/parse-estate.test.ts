import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RecoveryError } from '../domain/recovery-error.ts'
import { parseEstate, readEstate } from './parse-estate.ts'

/** A small estate without fault, in lines that the tests below replace. */
const base = `format: pointzero/estate/1
id: est_small01
name: small
regions:
  east:
    role: active
    zones: [east-a, east-b, east-c]
  west:
    role: passive
    zones: [west-a]
hosts:
  host-a: { id: hst_aaaaaa, zone: east-a, address: 10.0.0.1 }
  host-b: { id: hst_bbbbbb, zone: east-b, address: 10.0.0.2 }
  host-c: { id: hst_cccccc, zone: east-c, address: 10.0.0.3 }
  host-w: { id: hst_wwwwww, zone: west-a, address: 10.0.1.1 }
  witness: { id: hst_witness, zone: outside, address: 10.9.9.9 }
controlPlane: { host: witness, port: 7400 }
stores:
  vault: { kind: file, location: east, failureDomain: building 1, address: /vault, lock: { mode: advisory, for: P7D } }
  far: { kind: s3, location: offsite, failureDomain: building 2, address: s3://far, lock: { mode: compliance, for: P7D } }
components:
  ledger:
    id: cmp_ledger
    kind: postgres
    database: ledger
    user: pointzero
    password: env:LEDGER_PASSWORD
    members:
      ledger-a: { id: mbr_aaaaaa, host: host-a, port: 5432, dataDirectory: /data/a }
      ledger-b: { id: mbr_bbbbbb, host: host-b, port: 5432, dataDirectory: /data/b }
    policy: { synchronousCount: 1, failover: { zone-loss: automatic } }
    protection:
      captures:
        wal: { of: wal, stores: [vault], maxLag: PT10S, keep: P7D }
      backups:
        weekly: { type: full, every: week, stores: [vault], keep: P14D, keepAtLeast: 2 }
        copied: { type: copy, copyOf: weekly, every: month, stores: [far], keep: P40D, keepAtLeast: 2 }
  gate:
    id: cmp_gate01
    kind: gate
    leadsTo: ledger
    listeners:
      - { host: host-a, port: 6432 }
  app:
    id: cmp_app001
    kind: compute
    dependsOn: [gate]
    placedWith: ledger
    instances:
      - { host: host-a, port: 8080 }
    command: [/bin/app]
  events:
    id: cmp_events
    kind: nats
    locations: [east]
    policy: { note: declared }
  names:
    id: cmp_names1
    kind: dns
    locations: [east, west]
    policy: { note: declared }
    dns:
      provider: route53
      zone: small.example
      records:
        api.small.example: { type: A, ttl: PT30S, targets: { east: [192.0.2.1], west: [192.0.2.2] } }
  pods:
    id: cmp_pods01
    kind: kubernetes
    locations: [east]
    policy: { note: declared }
    clusters:
      main:
        region: east
        workloads:
          api: { namespace: api, instances: 2, target: 2, scale: { least: 1, most: 4 } }
objectives:
  - { scenarios: [zone-loss], rpo: PT0S, rto: PT5M }
recovery:
  zone-loss:
    - { procedure: zone-failover, start: automatic }
approvals:
  region-failover: { required: 2, approvers: [ann, bob, cem], validFor: PT15M }
maintenance: { closes: [gate], message: Closed. }
schedules:
  monthly:
    procedure: zone-failover
    scenario: zone-loss
    mode: live
    every: month
    on: first tuesday
    window: { from: '02:00', for: PT1H }
    timeZone: Europe/Berlin
exclusions:
  events: { owner: ann, reason: rebuilt at noon, expires: 2099-01-01 }
`

function refusal(text: string): RecoveryError {
  try {
    parseEstate(text, 'estate.yaml')
  } catch (error) {
    assert.ok(error instanceof RecoveryError, String(error))
    assert.equal(error.code, 'ESTATE_INVALID')
    assert.equal(error.class, 'invalid-estate')
    return error
  }
  assert.fail('accepted')
}

/** Replaces one piece of the base. `§` in the new piece marks where the problem is to be reported; it is taken out. */
function edited(from: string, to: string): { readonly text: string; readonly place: string } {
  assert.equal(
    base.split(from).length,
    2,
    `"${from}" stands ${base.split(from).length - 1} times in the base`,
  )
  const marked = base.replace(from, () => to)
  const before = marked.slice(0, marked.indexOf('§'))
  const line = before.split('\n').length
  const column = before.length - before.lastIndexOf('\n')
  return { text: marked.replace('§', ''), place: `estate.yaml:${line}:${column}: ` }
}

test('the base is without fault', () => {
  const { estate, findings } = readEstate(base, 'estate.yaml')
  assert.equal(estate.components.length, 6)
  assert.deepEqual(findings, [])
})

type Case = readonly [what: string, from: string, to: string, message: string]

const form: readonly Case[] = [
  [
    'another format',
    'pointzero/estate/1',
    '§pointzero/estate/2',
    'format: not pointzero/estate/1; write format: pointzero/estate/1',
  ],
  [
    'an unknown key',
    'database: ledger',
    'database: ledger\n    §retension: P1D',
    'components.ledger.retension: unknown key; the keys here are kind, id, ',
  ],
  [
    'a misspelt key',
    'maintenance: { closes',
    'maintenance: { closes: [gate], §mesage: a, closed',
    'maintenance.mesage: unknown key; did you mean message?',
  ],
  [
    'a kind that does not exist',
    'kind: nats',
    'kind: §kafka',
    'components.events.kind: not a kind of component; write one of postgres, ',
  ],
  [
    'an id of the wrong kind (D04)',
    'cmp_ledger',
    '§mbr_ledger',
    'components.ledger.id: not an id; write cmp_ and 6 to 32 of a to z and 0 to 9',
  ],
  ['a name with capitals', '  witness:', '  §Witness:', 'hosts.Witness: not a name; use a to z'],
  [
    'a port of zero',
    'port: 6432',
    'port: §0',
    'components.gate.listeners[0].port: not a port; write a number from 1 to 65535',
  ],
  ['a port beyond 65535', 'port: 6432', 'port: §65536', 'components.gate.listeners[0].port: not a port'],
  [
    'a port that is a text',
    'port: 6432',
    "port: §'6432'",
    'components.gate.listeners[0].port: not a port; write a whole number from 1 to 65535',
  ],
  [
    'a relative data directory',
    '/data/b',
    '§data/b',
    'ledger-b.dataDirectory: not an absolute path; start it with /',
  ],
  ['a data directory with ..', '/data/b', '§/data/../etc', 'ledger-b.dataDirectory: not an absolute path'],
  ['an address with an option', '10.0.0.2', '§--host=evil', 'hosts.host-b.address: not an address'],
  [
    'a database name that is SQL',
    'database: ledger',
    `database: §'x"; DROP TABLE t; --'`,
    'components.ledger.database: not a name for PostgreSQL',
  ],
  [
    'a database name that is conninfo',
    'database: ledger',
    `database: §host=evil dbname=x`,
    'components.ledger.database: not a name for PostgreSQL',
  ],
  [
    'a literal password',
    'env:LEDGER_PASSWORD',
    '§hunter2-canary',
    'components.ledger.password: a secret is never written here; put it in the environment or a file',
  ],
  [
    'a relative secret file',
    'env:LEDGER_PASSWORD',
    '§file:secrets/ledger',
    'components.ledger.password: a secret is never written here',
  ],
  [
    'a duration in words',
    'validFor: PT15M',
    'validFor: §15 minutes',
    'approvals.region-failover.validFor: not a duration; write weeks, days',
  ],
  [
    'a duration in months',
    'validFor: PT15M',
    'validFor: §P1M',
    'approvals.region-failover.validFor: not a duration',
  ],
  ['a negative duration', 'rpo: PT0S', 'rpo: §-PT1S', 'objectives[0].rpo: not a duration'],
  [
    'an empty duration',
    'validFor: PT15M',
    'validFor: §PT',
    'approvals.region-failover.validFor: not a duration',
  ],
  [
    'an approval that is valid for no time',
    'validFor: PT15M',
    'validFor: §PT0S',
    'approvals.region-failover.validFor: zero makes no sense here',
  ],
  ['a recovery time of zero', 'rto: PT5M', 'rto: §PT0M', 'objectives[0].rto: zero makes no sense here'],
  ['retention of zero', 'keep: P14D', 'keep: §P0D', 'backups.weekly.keep: zero makes no sense here'],
  [
    'blank retention (D06)',
    'keep: P14D',
    '§keep: ',
    'backups.weekly.keep: blank; write a value or leave the key out',
  ],
  ['null retention (D06)', 'keep: P14D', 'keep: §null', 'backups.weekly.keep: blank'],
  ['retention of an empty text (D06)', 'keep: P14D', "keep: §''", 'backups.weekly.keep: not a duration'],
  [
    'missing retention (D06)',
    '§weekly: { type: full, every: week, stores: [vault], keep: P14D, keepAtLeast: 2 }',
    '§weekly: { type: full, every: week, stores: [vault], keepAtLeast: 2 }',
    'backups.weekly.keep: missing; add it',
  ],
  [
    'no least number to keep',
    'every: week, stores: [vault], keep: P14D, keepAtLeast: 2',
    'every: week, stores: [vault], keep: P14D, keepAtLeast: §0',
    'backups.weekly.keepAtLeast: too small; write a number from 1',
  ],
  ['an interval of nothing', 'every: week', 'every: §P0D', 'backups.weekly.every: zero makes no sense here'],
  [
    'an interval that is a word of its own',
    'every: week',
    'every: §fortnight',
    'backups.weekly.every: not an interval; write hour, day, week, month or',
  ],
  [
    'an exclusion without an end (D22)',
    'events: { owner: ann, reason: rebuilt at noon, expires: 2099-01-01 }',
    '§events: { owner: ann, reason: rebuilt at noon }',
    'exclusions.events.expires: missing; add it',
  ],
  [
    'an exclusion without an owner (D22)',
    'owner: ann',
    "owner: §' '",
    'exclusions.events.owner: blank; write a text',
  ],
  ['an exclusion that ends on no day', '2099-01-01', '§2099-02-30', 'exclusions.events.expires: not a date'],
  [
    'a time zone that does not exist',
    'Europe/Berlin',
    '§Europe/Bern',
    'schedules.monthly.timeZone: not a time zone',
  ],
  [
    'a time of day that does not exist',
    "'02:00'",
    "§'24:00'",
    'schedules.monthly.window.from: not a time of day',
  ],
  ['a day that not every month has', 'first tuesday', '§day 31', 'schedules.monthly.on: not a day'],
  [
    'a scenario that does not exist',
    'scenarios: [zone-loss]',
    'scenarios: [§zone-lost]',
    'objectives[0].scenarios[0]: not one of the possible values; write one of component-loss, ',
  ],
  ['a failover of no scenario', 'failover: { zone-loss', 'failover: { §zone-lost', 'failover.zone-lost: '],
  [
    'a list where a map belongs',
    'stores:\n',
    'stores: §[]\nfoo:\n',
    'stores: a list where a map of keys and values belongs',
  ],
]

const relations: readonly Case[] = [
  [
    'an id used twice',
    'cmp_gate01',
    '§cmp_ledger',
    'components.gate.id: the id of component ledger too; an id names one thing for ever',
  ],
  ['a member id used twice', 'mbr_bbbbbb', '§mbr_aaaaaa', 'ledger-b.id: the id of member ledger-a too'],
  [
    'a reserved host name',
    '  witness: {',
    '  §control: {',
    'hosts.control: control has a meaning of its own',
  ],
  [
    'a zone with the name of a region',
    'zones: [west-a]',
    'zones: [west-a, §east]',
    'regions.west.zones[1]: east is the name of a region too',
  ],
  [
    'a host in no zone',
    'zone: east-b',
    'zone: §east-x',
    'hosts.host-b.zone: there is no zone (or outside) east-x; declare it, or write one of east-a, east-b',
  ],
  [
    'a control plane on no host',
    'host: witness',
    'host: §nowhere',
    'controlPlane.host: there is no host nowhere',
  ],
  [
    'a member on no host',
    'host: host-b, port: 5432',
    'host: §host-x, port: 5432',
    'ledger-b.host: there is no host host-x',
  ],
  [
    'a store that does not exist',
    'stores: [vault], maxLag',
    'stores: [§cellar], maxLag',
    'captures.wal.stores[0]: there is no store cellar',
  ],
  [
    'a gate to nothing',
    'leadsTo: ledger',
    'leadsTo: §ledgr',
    'components.gate.leadsTo: there is no component ledgr',
  ],
  [
    'a gate to a queue',
    'leadsTo: ledger',
    'leadsTo: §events',
    'components.gate.leadsTo: events is of kind nats; name a component of kind postgres or compute',
  ],
  [
    'compute placed with a gate',
    'placedWith: ledger',
    'placedWith: §gate',
    'components.app.placedWith: gate is of kind gate',
  ],
  [
    'a record that leads to no region',
    'west: [192.0.2.2]',
    '§north: [192.0.2.2]',
    'targets.north: there is no region north',
  ],
  [
    'two members on one port',
    'host: host-b, port: 5432, dataDirectory: /data/b',
    'host: host-a, port: §5432, dataDirectory: /data/b',
    'ledger-b.port: port 5432 of host host-a is taken by member ledger-a',
  ],
  [
    'two hosts at one address',
    'address: 10.0.0.2 }',
    'address: 10.0.0.1, agentPort: §7443 }',
    'hosts.host-b.agentPort: port 7443 of host host-b is taken by the agent of host host-a',
  ],
  [
    'a member in the directory of another',
    'host: host-b, port: 5432, dataDirectory: /data/b',
    'host: host-a, port: 5433, dataDirectory: §/data/a/',
    'ledger-b.dataDirectory: shares its directory with member ledger-a',
  ],
  [
    'a member inside the directory of another',
    'host: host-b, port: 5432, dataDirectory: /data/b',
    'host: host-a, port: 5433, dataDirectory: §/data/a/b',
    'ledger-b.dataDirectory: shares its directory',
  ],
  [
    'too few members for the count',
    'synchronousCount: 1',
    'synchronousCount: §2',
    'policy.synchronousCount: 2 acknowledging standbys and a primary need 3 members that may acknowledge, there are 2',
  ],
  [
    'a member outside of every zone',
    'host: host-b, port: 5432',
    'host: §witness, port: 5432',
    'ledger-b.host: host witness is outside of every zone',
  ],
  [
    'a cycle, printed (D14)',
    '  ledger:\n    id',
    '  §ledger:\n    dependsOn: [app]\n    id',
    'components.ledger: it waits for itself: ledger -> app -> ledger; remove one',
  ],
  [
    'a component that waits for itself',
    '  events:\n    id',
    '  §events:\n    dependsOn: [events]\n    id',
    'components.events: it waits for itself: events -> events',
  ],
  [
    'a copy of nothing',
    'copyOf: weekly',
    'copyOf: §daily',
    'backups.copied.copyOf: there is no backup daily here',
  ],
  [
    'a copy of itself',
    'copyOf: weekly',
    'copyOf: §copied',
    'backups.copied.copyOf: copies itself: copied -> copied',
  ],
  [
    'a copy beside its source (D05)',
    'stores: [far]',
    'stores: §[vault]',
    'backups.copied.stores: a copy in the store of weekly is lost with it',
  ],
  [
    'retention shorter than the interval',
    'keep: P14D',
    'keep: §P6D',
    'backups.weekly.keep: expires before the next one is due (every week)',
  ],
  [
    'protection that protects nothing',
    '    policy: { note: declared }\n  names',
    '    policy: { note: declared }\n    §protection: {}\n  names',
    'components.events.protection: protects nothing',
  ],
  [
    'a record without addresses',
    'targets: { east: [192.0.2.1], west: [192.0.2.2] }',
    '§targets: {}',
    'targets: empty; a record is never empty',
  ],
  [
    'a name outside of its zone',
    'api.small.example: {',
    '§api.large.example: {',
    'not a name in the zone small.example',
  ],
  [
    'a record with the wrong address',
    '192.0.2.2',
    '§2001:db8::1',
    'targets.west[0]: not what an A record holds; write an IPv4 address',
  ],
  [
    'an autoscaler that would undo it',
    'target: 2, scale',
    'target: §8, scale',
    'workloads.api.target: outside of scale 1 to 4',
  ],
  [
    'a procedure that does not exist',
    'procedure: zone-failover, start',
    'procedure: §zone-failure, start',
    'recovery.zone-loss[0].procedure: there is no procedure zone-failure',
  ],
  [
    'a policy that contradicts the rule',
    'zone-loss: automatic',
    'zone-loss: §manual',
    'failover.zone-loss: manual here, automatic in recovery.zone-loss',
  ],
  [
    'more approvals than approvers',
    'required: 2',
    'required: §4',
    'required: 4 approvals are required and there are 3 to give them',
  ],
  ['one approver twice', '[ann, bob, cem]', '[ann, bob, §ann]', 'approvers[2]: ann is named twice'],
  [
    'a weekday of a month',
    'on: first tuesday',
    'on: §tuesday',
    'schedules.monthly.on: tuesday does not name one day of every month',
  ],
  [
    'a live drill without a window',
    "§monthly:\n    procedure: zone-failover\n    scenario: zone-loss\n    mode: live\n    every: month\n    on: first tuesday\n    window: { from: '02:00', for: PT1H }\n",
    '§monthly:\n    procedure: zone-failover\n    scenario: zone-loss\n    mode: live\n    every: month\n    on: first tuesday\n',
    'schedules.monthly.window: missing: a live drill runs in a window only',
  ],
  [
    'maintenance that closes a database',
    'closes: [gate]',
    'closes: [§ledger]',
    'maintenance.closes[0]: ledger is of kind postgres',
  ],
]

for (const [what, from, to, message] of [...form, ...relations]) {
  test(`refuses, at its place: ${what}`, () => {
    const { text, place } = edited(from.replace('§', ''), to)
    const lines = refusal(text).message.split('\n')
    const line = lines.find((candidate) => candidate.startsWith(place)) ?? ''
    assert.ok(line.includes(message), `expected ${place}… ${message}, got\n${lines.join('\n')}`)
    assert.match(line, /: [^:]+(: .+)?; .+|did you mean/, 'says what is wrong and what to do')
  })
}

test('a secret that was written down is not repeated', () => {
  const { text } = edited('env:LEDGER_PASSWORD', '§hunter2-canary')
  const error = refusal(text)
  assert.doesNotMatch(JSON.stringify([error.message, error.hint, error.context]), /hunter2/)
})

test('a missing key is reported at what it is missing from', () => {
  const { text } = edited('    user: pointzero\n', '§')
  assert.equal(refusal(text).message, 'estate.yaml:22:3: components.ledger.user: missing; add it')
})

test('two active regions ask about every data set', () => {
  const text = base
    .replace('role: passive', 'role: active')
    .replace('host: host-b, port: 5432', 'host: host-w, port: 5432')
  assert.equal(
    refusal(text).message,
    'estate.yaml:22:3: components.ledger.datasets: it lives in 2 active regions (east, west) and does not say who may write what; ' +
      'add datasets with writes, replication and conflict',
  )
})

const choices: readonly [string, string][] = [
  [
    '{ writes: every-region, replication: asynchronous }',
    'datasets.all.conflict: missing: regions that write without waiting',
  ],
  [
    '{ writes: every-region, replication: synchronous }',
    'datasets.all.onPartition: missing: a synchronous write waits',
  ],
  [
    '{ writes: one-region, replication: asynchronous }',
    'datasets.all.home: missing; name the region that writes',
  ],
  [
    '{ writes: one-region, home: east, replication: asynchronous, conflict: merge }',
    'datasets.all.conflict: nothing can conflict here',
  ],
  [
    '{ writes: every-region, home: east, replication: asynchronous, conflict: merge }',
    'datasets.all.home: every region writes',
  ],
  [
    '{ writes: one-region, home: east, replication: asynchronous, onPartition: stop }',
    'datasets.all.onPartition: asynchronous writes wait for nobody',
  ],
]
for (const [choice, message] of choices) {
  test(`refuses half a choice: ${choice}`, () => {
    const text = base.replace(
      '    database: ledger\n',
      `    database: ledger\n    datasets:\n      all: ${choice}\n`,
    )
    assert.ok(refusal(text).message.includes(message), refusal(text).message)
  })
}

test('synchronous replication is believed only when the quorum makes it true', () => {
  const replicated = base
    .replace('host: host-b, port: 5432', 'host: host-w, port: 5432')
    .replace(
      '    database: ledger\n',
      '    database: ledger\n    replication: [{ from: east, to: west, mode: synchronous }]\n',
    )
  assert.equal(parseEstate(replicated, 'estate.yaml').components.length, 6)
  const local = base.replace(
    '    database: ledger\n',
    '    database: ledger\n    replication: [{ from: east, to: west, mode: synchronous }]\n',
  )
  assert.match(refusal(local).message, /replication\[0\]\.mode: no member in west may acknowledge; let one/)
  const third = '      ledger-w: { id: mbr_wwwwww, host: host-w, port: 5432, dataDirectory: /data/w }\n'
  const loose = local.replace('    policy: { synchronousCount', `${third}    policy: { synchronousCount`)
  assert.match(
    refusal(loose).message,
    /ANY 1 can be met without leaving east; set policy.synchronousCount to 2 or more/,
  )
})

test('two objectives for one thing are refused', () => {
  const text = base.replace(
    'objectives:\n',
    'objectives:\n  - { scenarios: [zone-loss], rpo: PT1S, rto: PT5M }\n',
  )
  assert.match(
    refusal(text).message,
    /^estate\.yaml:\d+:5: objectives\[1\]: zone-loss has an objective in objectives\[0\] already/,
  )
})

test('every problem is listed at once, in the order of the file', () => {
  const text = base
    .replace('zone: east-b', 'zone: east-x')
    .replace('port: 6432', 'port: 0')
    .replace('keep: P14D', 'keep:')
    .replace('closes: [gate]', 'closes: [ledger]')
    .replace('required: 2', 'required: 4')
  const lines = refusal(text).message.split('\n')
  const paths = lines.map((line) => line.replace(/^estate\.yaml:\d+:\d+: ([^:]+): .*$/, '$1'))
  assert.deepEqual(paths, [
    'hosts.host-b.zone',
    'components.ledger.protection.backups.weekly.keep',
    'components.gate.listeners[0].port',
    'approvals.region-failover.required',
  ])
})

test('warnings and red findings carry their place', () => {
  const text = base
    .replace('controlPlane: { host: witness', 'controlPlane: { host: host-c')
    .replace('host: host-b, port: 5432', 'host: host-c, port: 5432')
    .replace(
      '    locations: [east]\n    policy: { note: declared }\n    clusters',
      '    locations: [east]\n    clusters',
    )
  const { findings } = readEstate(text, 'estate.yaml')
  assert.deepEqual(
    findings.map(({ severity, code, where }) => `${severity} ${code} ${where}`),
    ['warning CONTROL_PLANE_IN_ZONE estate.yaml:17:17', 'red POLICY_MISSING estate.yaml:67:3'],
  )
})

test('an exclusion says who answers for it, and silences the finding', () => {
  const unprotected = base.replace(
    '    locations: [east]\n    policy: { note: declared }\n  names',
    '    locations: [east]\n  names',
  )
  assert.deepEqual(readEstate(unprotected, 'e').findings, [])
  const exposed = unprotected.replace(/exclusions:\n.*\n/, '')
  assert.deepEqual(
    readEstate(exposed, 'e').findings.map(({ code }) => code),
    ['POLICY_MISSING'],
  )
})

test('a text larger than 8 MiB is refused unread', () => {
  assert.match(refusal(`#${'x'.repeat(8 * 1024 * 1024)}`).message, /larger than 8 MiB/)
})

test('the name of the file may be anything', () => {
  assert.throws(() => parseEstate('', 'a b/ü.yaml'), /a b\/ü\.yaml:1:1: /)
})

const lines = base.split('\n')
const keyLines = lines.flatMap((line, index) => (/^ *[a-z][\w-]*:( |$)/i.test(line) ? [index] : []))

test('an unknown key is found wherever it stands', () => {
  fc.assert(
    fc.property(fc.constantFrom(...keyLines), fc.stringMatching(/^x[a-z]{2,8}$/), (index, key) => {
      const indent = /^ */.exec(lines[index] ?? '')?.[0] ?? ''
      const text = lines.toSpliced(index, 0, `${indent}${key}: 1`).join('\n')
      const { message } = refusal(text)
      const [place = ''] = message.split('\n').filter((line) => line.includes(`${key}: `))
      // Among names the key may be any: its value is wrong.
      const columns = [indent.length + 1, indent.length + key.length + 3]
      assert.ok(
        columns.some((column) => place.startsWith(`estate.yaml:${index + 1}:${column}: `)),
        message,
      )
    }),
    { numRuns: 150 },
  )
})

test('a damaged estate is refused or read, and never crashes', () => {
  fc.assert(
    fc.property(fc.nat(base.length), fc.nat(8), fc.string({ maxLength: 6 }), (at, remove, insert) => {
      const text = base.slice(0, at) + insert + base.slice(at + remove)
      try {
        parseEstate(text, 'estate.yaml')
      } catch (error) {
        assert.ok(error instanceof RecoveryError && error.class === 'invalid-estate', String(error))
        assert.match(error.message, /^estate\.yaml:\d+:\d+: /)
      }
    }),
    { numRuns: 300 },
  )
})
