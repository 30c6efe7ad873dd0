import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RecoveryError } from '../domain/recovery-error.ts'
import { parseEstate, readEstate } from './parse-estate.ts'
import { edited, flawOfRefusal, refusal, smallEstateText } from './small-estate.ts'
import type { RefusalCase } from './small-estate.ts'

test('the base is without fault', () => {
  const { estate, findings } = readEstate(smallEstateText, 'estate.yaml')
  assert.equal(estate.components.length, 6)
  assert.deepEqual(findings, [])
})

const form: readonly RefusalCase[] = [
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

for (const one of form) {
  test(`refuses, at its place: ${one[0]}`, () => assert.equal(flawOfRefusal(one), undefined))
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

test('every problem is listed at once, in the order of the file', () => {
  const text = smallEstateText
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
  const text = smallEstateText
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
  const unprotected = smallEstateText.replace(
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

const lines = smallEstateText.split('\n')
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
    { numRuns: 80 },
  )
})

test('a damaged estate is refused or read, and never crashes', () => {
  fc.assert(
    fc.property(
      fc.nat(smallEstateText.length),
      fc.nat(8),
      fc.string({ maxLength: 6 }),
      (at, remove, insert) => {
        const text = smallEstateText.slice(0, at) + insert + smallEstateText.slice(at + remove)
        try {
          parseEstate(text, 'estate.yaml')
        } catch (error) {
          assert.ok(error instanceof RecoveryError && error.class === 'invalid-estate', String(error))
          assert.match(error.message, /^estate\.yaml:\d+:\d+: /)
        }
      },
    ),
    { numRuns: 120 },
  )
})
