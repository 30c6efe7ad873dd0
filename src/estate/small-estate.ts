import { assert, RecoveryError } from '../domain/recovery-error.ts'
import { parseEstate } from './parse-estate.ts'

/** For tests: a small estate without fault, in lines that each test replaces one of. */
export const smallEstateText = `format: pointzero/estate/1
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

/** For tests: the one error of a text that is refused. */
export function refusal(text: string): RecoveryError {
  try {
    parseEstate(text, 'estate.yaml')
  } catch (error) {
    if (error instanceof RecoveryError && error.code === 'ESTATE_INVALID') return error
    throw error
  }
  throw new Error('accepted')
}

/** One piece of the text is replaced; `§` in the new piece marks where the problem is to be reported, and is taken out. */
export function edited(from: string, to: string): { readonly text: string; readonly place: string } {
  const count = smallEstateText.split(from).length - 1
  assert(count === 1, `"${from}" stands once in the text, not ${count} times`)
  const marked = smallEstateText.replace(from, () => to)
  const before = marked.slice(0, marked.indexOf('§'))
  const line = before.split('\n').length
  const column = before.length - before.lastIndexOf('\n')
  return { text: marked.replace('§', ''), place: `estate.yaml:${line}:${column}: ` }
}

export type RefusalCase = readonly [what: string, from: string, to: string, message: string]

/** Undefined when the problem is reported at the mark, in words that say what is wrong and what to do. */
export function flawOfRefusal([, from, to, message]: RefusalCase): string | undefined {
  const { text, place } = edited(from.replace('§', ''), to)
  const lines = refusal(text).message.split('\n')
  const line = lines.find((candidate) => candidate.startsWith(place)) ?? ''
  const saysBoth = /: [^:]+(: .+)?; .+|did you mean/.test(line)
  return line.includes(message) && saysBoth
    ? undefined
    : `expected ${place}… ${message}, got\n${lines.join('\n')}`
}
