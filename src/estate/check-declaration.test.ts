import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseEstate } from './parse-estate.ts'
import { flawOfRefusal, refusal, smallEstateText } from './small-estate.ts'
import type { RefusalCase } from './small-estate.ts'

const relations: readonly RefusalCase[] = [
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
    'a capture that commits may wait for under the name of a member',
    '        wal: { of: wal, stores: [vault], maxLag: PT10S, keep: P7D }',
    '        §ledger-b: { of: wal, stores: [vault], maxLag: PT10S, synchronous: true, keep: P7D }',
    'captures.ledger-b: member ledger-b acknowledges under that name; choose another',
  ],
  [
    'a second capture of wal beside one that commits may wait for',
    '        wal: { of: wal, stores: [vault], maxLag: PT10S, keep: P7D }\n',
    '        other: { of: wal, stores: [vault], maxLag: PT10S, keep: P7D }\n' +
      '        wal: { of: wal, stores: [vault], maxLag: PT10S, synchronous: §true, keep: P7D }\n',
    'captures.wal.synchronous: commits wait for one archive',
  ],
  [
    'commits that wait for one capture in two stores',
    '        wal: { of: wal, stores: [vault], maxLag: PT10S, keep: P7D }\n',
    '        wal: { of: wal, stores: [vault, far], maxLag: PT10S, synchronous: §true, keep: P7D }\n',
    'captures.wal.synchronous: commits wait for one archive',
  ],
  [
    'a store on no host',
    'vault: { kind: file, location: east,',
    'vault: { kind: file, host: §cellar, location: east,',
    'stores.vault.host: there is no host cellar',
  ],
  [
    'a store on a host that lies elsewhere',
    'vault: { kind: file, location: east,',
    'vault: { kind: file, host: §host-w, location: east,',
    'stores.vault.host: host host-w is in region west, the store in east; write the same place',
  ],
  [
    'a bucket on a host',
    'far: { kind: s3,',
    'far: { kind: s3, host: §witness,',
    'stores.far.host: a store of kind s3 is kept by no host',
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

for (const one of relations) {
  test(`refuses, at its place: ${one[0]}`, () => assert.equal(flawOfRefusal(one), undefined))
}

test('two active regions ask about every data set', () => {
  const text = smallEstateText
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
    const text = smallEstateText.replace(
      '    database: ledger\n',
      `    database: ledger\n    datasets:\n      all: ${choice}\n`,
    )
    assert.ok(refusal(text).message.includes(message), refusal(text).message)
  })
}

test('synchronous replication is believed only when the quorum makes it true', () => {
  const replicated = smallEstateText
    .replace('host: host-b, port: 5432', 'host: host-w, port: 5432')
    .replace(
      '    database: ledger\n',
      '    database: ledger\n    replication: [{ from: east, to: west, mode: synchronous }]\n',
    )
  assert.equal(parseEstate(replicated, 'estate.yaml').components.length, 6)
  const local = smallEstateText.replace(
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
  const text = smallEstateText.replace(
    'objectives:\n',
    'objectives:\n  - { scenarios: [zone-loss], rpo: PT1S, rto: PT5M }\n',
  )
  assert.match(
    refusal(text).message,
    /^estate\.yaml:\d+:5: objectives\[1\]: zone-loss has an objective in objectives\[0\] already/,
  )
})
