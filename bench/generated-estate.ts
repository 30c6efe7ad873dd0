/** A text that declares an estate of this many components: in five, one database of three members, one gate, one compute, two queues. */
export function generatedEstate(componentCount: number): string {
  const groups = Math.ceil(componentCount / 5)
  const hostCount = Math.max(3, Math.ceil(groups / 20) * 3)
  const lines = [
    'format: pointzero/estate/1',
    'id: est_generated',
    'name: generated',
    'regions:',
    '  east: { role: active, zones: [east-a, east-b, east-c] }',
    'hosts:',
    '  witness: { id: hst_witness, zone: outside, address: 10.255.0.1 }',
    ...Array.from({ length: hostCount }, (_, host) => hostLine(host)),
    'controlPlane: { host: witness, port: 7400 }',
    'stores:',
    '  vault: { kind: file, location: east, failureDomain: building 1, address: /vault }',
    'components:',
    ...Array.from({ length: groups }, (_, group) => groupText(group, hostCount)),
    'objectives:',
    '  - { scenarios: [zone-loss], rpo: PT0S, rto: PT5M }',
    '',
  ]
  return lines.join('\n')
}

function hostLine(host: number): string {
  const zone = ['a', 'b', 'c'][host % 3]
  const address = `10.${Math.floor(host / 65_536)}.${Math.floor(host / 256) % 256}.${host % 256}`
  return `  host-${host}: { id: hst_h${padded(host)}, zone: east-${zone}, address: ${address} }`
}

function padded(number: number): string {
  return String(number).padStart(8, '0')
}

function groupText(group: number, hostCount: number): string {
  const first = (group % (hostCount / 3)) * 3
  const port = 10_000 + Math.floor(group / (hostCount / 3)) * 10
  const members = [0, 1, 2].map(
    (at) =>
      `      db-${group}-${at}: { id: mbr_m${padded(group * 3 + at)}, host: host-${first + at}, port: ${port}, dataDirectory: /data/${group} }`,
  )
  return `  db-${group}:
    id: cmp_d${padded(group)}
    kind: postgres
    owner: team ${group % 40}
    size: 100 GiB
    database: app
    user: pointzero
    members:
${members.join('\n')}
    policy: { synchronousCount: 1, failover: { zone-loss: automatic } }
    protection:
      captures:
        wal: { of: wal, stores: [vault], maxLag: PT10S, keep: P35D }
      backups:
        daily: { type: incremental, every: day, stores: [vault], keep: P14D, keepAtLeast: 2 }
        weekly: { type: full, every: week, stores: [vault], keep: P35D, keepAtLeast: 2 }
  gate-${group}:
    id: cmp_g${padded(group)}
    kind: gate
    leadsTo: db-${group}
    listeners:
      - { host: host-${first}, port: ${port + 1} }
      - { host: host-${first + 1}, port: ${port + 1} }
  app-${group}:
    id: cmp_a${padded(group)}
    kind: compute
    dependsOn: [gate-${group}]
    placedWith: db-${group}
    instances:
      - { host: host-${first}, port: ${port + 2} }
      - { host: host-${first + 1}, port: ${port + 2} }
    command: [/opt/app, --listen, '{host}:{port}']
  events-${group}:
    id: cmp_e${padded(group)}
    kind: nats
    dependsOn: [app-${group}${group === 0 ? '' : `, events-${group - 1}`}]
    locations: [east-a, east-b]
    protection:
      backups:
        quarter-hourly: { type: snapshot, every: PT15M, stores: [vault], keep: P7D, keepAtLeast: 4 }
    replay: { order: per-stream, idempotencyKey: message-id, sourceOfTruth: db-${group}, verify: [order] }
  cache-${group}:
    id: cmp_c${padded(group)}
    kind: redis
    locations: [east-a]
    policy: { rebuilt-from: db-${group} }`
}
