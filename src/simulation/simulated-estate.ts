import { formatDuration } from '../estate/duration.ts'
import type { Estate, Host, PostgresComponent, PostgresPolicy } from '../estate/estate.ts'
import type { Backup, Capture, Protection } from '../estate/protection.ts'

const agentPort = 7400
const zones = ['az1', 'az2', 'az3'] as const

const dayMs = 86_400_000

const daily: Backup = {
  name: 'daily',
  type: 'full',
  every: 'day',
  everyMs: dayMs,
  // A life is some seconds long: whoever wants a backup in it asks for one, or declares an interval.
  start: 'manual',
  stores: ['vault'],
  keepMs: 14 * dayMs,
  keepAtLeast: 2,
}

/** The control plane takes backups, and restores them as a test, at these intervals. */
export function scheduledProtection(backupMs: number, verificationMs: number): Protection {
  const interval = (everyMs: number) => ({ every: formatDuration(everyMs), everyMs })
  return {
    captures: [],
    backups: [{ ...daily, ...interval(backupMs), start: 'automatic' }],
    verification: { ...interval(verificationMs), checks: ['all of it is read'] },
  }
}

const wal: Capture = {
  name: 'wal',
  of: 'wal',
  stores: ['vault'],
  maxLagMs: 10_000,
  synchronous: true,
  keepMs: dayMs,
}

/** Its WAL is captured, and commits may wait for that. */
export const capturedProtection: Protection = { captures: [wal], backups: [daily] }

/** Three zones with a database member and a place for the application each, a control plane and clients outside of them. */
export function simulatedEstate(
  policy: Partial<PostgresPolicy> = {},
  protection: Protection = { captures: [], backups: [daily] },
): Estate {
  return {
    format: 'pointzero/estate/1',
    id: 'est_simulated',
    name: 'simulated',
    regions: [{ name: 'here', role: 'active', zones }],
    hosts: [
      ...zones.map((zone, index) => host(zone, zone, index + 1)),
      host('ctl', 'outside', 8),
      host('client', 'outside', 9),
    ],
    controlPlane: { host: 'ctl', port: 7300 },
    stores: [
      {
        name: 'vault',
        kind: 'file',
        location: 'offsite',
        host: 'client',
        failureDomain: 'client',
        address: '/vault',
      },
    ],
    components: [
      ledger(policy, protection),
      {
        id: 'cmp_engine0',
        kind: 'compute',
        name: 'engine',
        dependsOn: ['ledger'],
        instances: zones.map((zone) => ({ host: zone, port: 8080 })),
        placedWith: 'ledger',
        command: ['engine'],
      },
      {
        id: 'cmp_dbgate',
        kind: 'gate',
        name: 'db',
        dependsOn: [],
        leadsTo: 'ledger',
        listeners: [{ host: 'client', port: 5400 }],
        implementation: 'builtin',
      },
      {
        id: 'cmp_appgate',
        kind: 'gate',
        name: 'app',
        dependsOn: [],
        leadsTo: 'engine',
        listeners: [{ host: 'client', port: 8400 }],
        implementation: 'builtin',
      },
    ],
    objectives: [{ scenario: 'zone-loss', rpoMs: 0, rtoMs: 60_000 }],
    maintenance: { closes: ['db', 'app'], message: 'Closed for a rehearsal.' },
    schedules: [],
    assumptions: [],
  }
}

function ledger(policy: Partial<PostgresPolicy>, protection: Protection): PostgresComponent {
  return {
    id: 'cmp_ledger',
    kind: 'postgres',
    name: 'ledger',
    dependsOn: [],
    database: 'exchange',
    user: 'pointzero',
    members: zones.map((zone, index) => ({
      id: `mbr_ledger${index + 1}`,
      name: `p${index + 1}`,
      host: zone,
      port: 5432,
      dataDirectory: '/data',
    })),
    policy: {
      synchronousCount: 1,
      failover: { 'zone-loss': 'automatic' },
      detectMs: 1500,
      fenceMs: 1000,
      flapWindowMs: 60_000,
      flapMax: 4,
      ...policy,
    },
    protection,
  }
}

function host(name: string, zone: string, number: number): Host {
  return { id: `hst_${name.padEnd(6, '0')}`, name, zone, address: `10.0.0.${number}`, agentPort }
}
