import type { ComponentId, MemberId } from '../domain/id.ts'
import { buildProtection } from './build-protection.ts'
import { parseByteRate, parseByteSize } from './byte-size.ts'
import type { ComponentBase, HealthCheck } from './component-base.ts'
import type {
  ComponentDeclaration,
  ComputeDeclaration,
  DeclaredDeclaration,
  GateDeclaration,
  PostgresDeclaration,
} from './component-schema.ts'
import type { DeclaredComponent } from './declared-component.ts'
import { ms, named, present } from './declared-value.ts'
import type {
  Component,
  ComputeComponent,
  GateComponent,
  PostgresComponent,
  PostgresPolicy,
} from './estate.ts'

export function buildComponent(name: string, declared: ComponentDeclaration): Component {
  switch (declared.kind) {
    case 'postgres':
      return postgres(name, declared)
    case 'compute':
      return compute(name, declared)
    case 'gate':
      return gate(name, declared)
    default:
      return declaredOnly(name, declared)
  }
}

function base(name: string, declared: ComponentDeclaration): ComponentBase {
  const { size, restoreRate, protection, replication, datasets, invariants, replay } = declared
  return {
    id: declared.id as ComponentId,
    name,
    dependsOn: declared.dependsOn,
    ...present({ owner: declared.owner, priority: declared.priority, runbook: declared.runbook }),
    ...(size !== undefined && { sizeBytes: parseByteSize(size) ?? 0 }),
    ...(restoreRate !== undefined && { restoreBytesPerSecond: parseByteRate(restoreRate) ?? 0 }),
    ...(protection && { protection: buildProtection(protection) }),
    ...(replication && {
      replication: replication.map(({ alarmLag, ...link }) => ({
        ...link,
        ...(alarmLag !== undefined && { alarmLagMs: ms(alarmLag) }),
      })),
    }),
    ...(datasets && {
      datasets: named(datasets, (dataset, choice) => ({ name: dataset, ...present(choice) })),
    }),
    ...(replay && { replay: present(replay) }),
    ...(invariants && { invariants: named(invariants, (invariant, rule) => ({ name: invariant, ...rule })) }),
    ...(isUnprotected(declared) && { unprotected: true }),
  }
}

/** Compute and gates hold nothing: their kind says how they come back. Everything else needs a word about itself. */
function isUnprotected(declared: ComponentDeclaration): boolean {
  if (declared.kind === 'compute' || declared.kind === 'gate') return false
  return [declared.policy, declared.protection, declared.replication, declared.replay].every(
    (part) => part === undefined,
  )
}

/** Without a declared policy nothing is promised and nothing starts by itself. */
const noPolicy: PostgresPolicy = {
  synchronousCount: 0,
  failover: {},
  detectMs: 3000,
  fenceMs: 5000,
  flapWindowMs: 3_600_000,
  flapMax: 2,
}

function postgres(name: string, declared: PostgresDeclaration): PostgresComponent {
  const { policy, password } = declared
  return {
    kind: 'postgres',
    ...base(name, declared),
    database: declared.database,
    user: declared.user,
    ...(password !== undefined && { passwordRef: password }),
    members: named(declared.members, (member, { id, synchronous, ...place }) => ({
      id: id as MemberId,
      name: member,
      ...place,
      ...(!synchronous && { synchronous: false }),
    })),
    policy:
      policy === undefined
        ? noPolicy
        : {
            synchronousCount: policy.synchronousCount,
            failover: present(policy.failover),
            detectMs: ms(policy.detect),
            fenceMs: ms(policy.fence),
            flapWindowMs: ms(policy.flapWindow),
            flapMax: policy.flapMax,
          },
  }
}

function compute(name: string, declared: ComputeDeclaration): ComputeComponent {
  const { instances, placedWith, command } = declared
  return { kind: 'compute', ...base(name, declared), instances, ...present({ placedWith }), command }
}

function gate(name: string, declared: GateDeclaration): GateComponent {
  const { leadsTo, listeners, implementation, healthCheck } = declared
  return {
    kind: 'gate',
    ...base(name, declared),
    leadsTo,
    listeners,
    implementation,
    ...(healthCheck && { healthCheck: buildHealthCheck(healthCheck) }),
  }
}

function buildHealthCheck(declared: NonNullable<GateDeclaration['healthCheck']>): HealthCheck {
  const { request, every, timeout, failures } = declared
  return { request, everyMs: ms(every), timeoutMs: ms(timeout), failures }
}

function declaredOnly(name: string, declared: DeclaredDeclaration): DeclaredComponent {
  return {
    kind: declared.kind,
    ...base(name, declared),
    locations: declared.locations,
    ...(declared.policy && { policy: declared.policy }),
    ...ownParts(declared),
  }
}

type OwnParts = Omit<Partial<DeclaredComponent>, keyof ComponentBase | 'kind' | 'locations' | 'policy'>

function ownParts(declared: DeclaredDeclaration): OwnParts {
  switch (declared.kind) {
    case 'nats':
    case 'redis':
    case 'rabbitmq':
      return present({ queues: declared.queues })
    case 'event-store':
      return present({ storedIn: declared.storedIn })
    case 'journal':
      return {
        ...present({ rebuilds: declared.rebuilds }),
        ...(declared.checkpoint !== undefined && { checkpointMs: ms(declared.checkpoint) }),
      }
    case 'kubernetes':
      return { clusters: named(declared.clusters, cluster) }
    case 'dns':
      return { dns: dnsZone(declared.dns) }
    case 'load-balancer':
      return { loadBalancer: loadBalancer(declared.loadBalancer) }
    default:
      return {}
  }
}

type Declared<Kind> = Extract<DeclaredDeclaration, { readonly kind: Kind }>

function cluster(name: string, declared: Declared<'kubernetes'>['clusters'][string]) {
  const { region, credentials, workloads } = declared
  return {
    name,
    region,
    ...(credentials !== undefined && { credentialsRef: credentials }),
    workloads: named(workloads, (workload, { scale, ...counts }) => ({
      name: workload,
      ...counts,
      ...present({ scale }),
    })),
  }
}

function dnsZone({ provider, zone, credentials, records }: Declared<'dns'>['dns']) {
  return {
    provider,
    zone,
    ...(credentials !== undefined && { credentialsRef: credentials }),
    records: named(records, (record, { type, ttl, targets }) => ({
      name: record,
      type,
      ttlMs: ms(ttl),
      targets: named(targets, (region, values) => ({ region, values })),
    })),
  }
}

function loadBalancer({ leadsTo, addresses, healthCheck }: Declared<'load-balancer'>['loadBalancer']) {
  return {
    leadsTo,
    addresses: named(addresses, (region, address) => ({ region, address })),
    ...(healthCheck && { healthCheck: buildHealthCheck(healthCheck) }),
  }
}
