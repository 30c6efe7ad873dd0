import { stringify } from 'yaml'
import { zoneHostNames } from './lab-host.ts'
import type { LabHostName } from './lab-host.ts'
import { hostPaths, vaultPaths, workloadProgram } from './lab-paths.ts'
import { labPorts } from './lab-ports.ts'
import type { LabState } from './lab-state.ts'

/** Environment variable that holds the password of the ledger's user, on every host. */
export const labPasswordVariable = 'POINTZERO_LAB_LEDGER_PASSWORD'

export const labDatabase = { database: 'ledger', user: 'pointzero' } as const

export const labMaintenanceMessage = 'The lab is closed for maintenance.'

export interface LabPolicy {
  readonly detect: string
  readonly fence: string
  /** Members that a commit waits for beside the primary; 1 when absent. */
  readonly synchronousCount?: number
  /** Commits may wait for the archive too, once that is switched on. */
  readonly synchronousCapture?: boolean
}

/** ISO 8601 durations: how often its control plane backs the ledger up, and restores what it has as a test. */
export interface LabSchedule {
  readonly backup: string
  readonly verification: string
}

/** What an estate gets that says nothing of it: a lab on two busy cores outlives a machine that stands still for seconds. */
export const defaultLabPolicy: LabPolicy = { detect: 'PT3S', fence: 'PT5S' }

/** Ids are this lab's own: nothing of one lab is taken by another. */
export function labId<Prefix extends string>(
  { instance }: LabState,
  prefix: Prefix,
  name: string,
): `${Prefix}_${string}` {
  return `${prefix}_lab${instance}${name.replaceAll(/[^a-z0-9]/g, '')}`
}

/** estate.yaml of a lab: three zones, the control plane and the clients outside of them. */
export function labEstateText(state: LabState, policy: LabPolicy, schedule?: LabSchedule): string {
  const { instance } = state
  const estate = {
    format: 'pointzero/estate/1',
    id: labId(state, 'est', 'estate'),
    name: `lab-${instance}`,
    regions: { here: { role: 'active', zones: [...zoneHostNames] } },
    hosts: Object.fromEntries(
      state.hosts.map(({ name, address }) => {
        const zone = (zoneHostNames as readonly string[]).includes(name) ? name : 'outside'
        return [name, { id: labId(state, 'hst', name), zone, address, agentPort: labPorts.agent }]
      }),
    ),
    controlPlane: { host: 'ctl', port: labPorts.controlPlane },
    stores: {
      vault: {
        kind: 'file',
        location: 'offsite',
        host: 'vlt',
        failureDomain: 'the host vlt',
        address: vaultPaths(state.directory).store,
      },
    },
    components: {
      ledger: ledger(state, policy, schedule),
      'ledger-gate': gate(state, 'ledger-gate', 'ledger', [...zoneHostNames, 'client'], labPorts.ledgerGate),
      'matching-engine': matchingEngine(state),
      'orders-gate': gate(state, 'orders-gate', 'matching-engine', ['client'], labPorts.ordersGate),
    },
    maintenance: { closes: ['orders-gate', 'ledger-gate'], message: labMaintenanceMessage },
    objectives: [
      { scenarios: ['zone-loss'], rpo: 'PT0S', rto: 'PT5M' },
      { scenarios: ['corruption'], components: ['ledger'], rpo: 'PT1M', rto: 'PT5M' },
    ],
    assumptions: ['All hosts share one kernel and one clock: a lab, made to be lost.'],
  }
  return stringify(estate, { lineWidth: 110 })
}

function ledger(state: LabState, policy: LabPolicy, schedule: LabSchedule | undefined): object {
  const { detect, fence, synchronousCount = 1, synchronousCapture = false } = policy
  const members = zoneHostNames.map((host) => [
    `ledger-${host}`,
    {
      id: labId(state, 'mbr', host),
      host,
      port: labPorts.postgres,
      dataDirectory: hostPaths(state.directory, host).data,
    },
  ])
  return {
    id: labId(state, 'cmp', 'ledger'),
    kind: 'postgres',
    ...labDatabase,
    password: `env:${labPasswordVariable}`,
    members: Object.fromEntries(members) as object,
    policy: {
      synchronousCount,
      failover: { 'component-loss': 'automatic', 'zone-loss': 'automatic' },
      detect,
      fence,
      // Every fault of a long test is one switch.
      flapWindow: 'PT1M',
      flapMax: 20,
    },
    protection: {
      captures: {
        wal: {
          of: 'wal',
          stores: ['vault'],
          maxLag: 'PT10S',
          ...(synchronousCapture ? { synchronous: true } : {}),
          keep: 'P7D',
        },
      },
      backups: {
        full: {
          type: 'full',
          // Whoever tries something out does not want a backup to begin in the middle of it.
          ...(schedule === undefined ? { every: 'day', start: 'manual' } : { every: schedule.backup }),
          stores: ['vault'],
          keep: 'P14D',
          keepAtLeast: 2,
        },
      },
      ...(schedule === undefined
        ? {}
        : { verification: { every: schedule.verification, checks: ['every page, amcheck'] } }),
    },
  }
}

function matchingEngine(state: LabState): object {
  const ledgerAddress = `{host}:${labPorts.ledgerGate}`
  return {
    id: labId(state, 'cmp', 'engine'),
    kind: 'compute',
    dependsOn: ['ledger', 'ledger-gate'],
    placedWith: 'ledger',
    instances: zoneHostNames.map((host) => ({ host, port: labPorts.engine })),
    command: [
      process.execPath,
      workloadProgram('matching-engine-main'),
      ...['--listen', '{host}:{port}'],
      ...['--ledger', ledgerAddress],
      ...['--database', labDatabase.database, '--user', labDatabase.user],
    ],
  }
}

function gate(
  state: LabState,
  name: string,
  leadsTo: string,
  hosts: readonly LabHostName[],
  port: number,
): object {
  return {
    id: labId(state, 'cmp', name),
    kind: 'gate',
    leadsTo,
    listeners: hosts.map((host) => ({ host, port })),
    implementation: 'builtin',
  }
}
