import type { ComponentBase, HealthCheck } from './component-base.ts'

export const declaredKinds = [
  'nats',
  'redis',
  'rabbitmq',
  'event-store',
  'journal',
  'object-store',
  'kubernetes',
  'dns',
  'load-balancer',
  'service',
] as const
export type DeclaredKind = (typeof declaredKinds)[number]

/** Kinds that hold data which is lost when nobody copies it. */
export const dataKinds: ReadonlySet<string> = new Set([
  'postgres',
  'nats',
  'redis',
  'rabbitmq',
  'event-store',
  'journal',
  'object-store',
])

/** Kinds that hold messages on their way. */
export const queueKinds: ReadonlySet<string> = new Set(['nats', 'redis', 'rabbitmq'])

/** Kinds that this version accepts, assesses, and shows as not yet recoverable. */
export interface DeclaredComponent extends ComponentBase {
  readonly kind: DeclaredKind
  /** Names of regions or zones. */
  readonly locations: readonly string[]
  /** Free settings of its kind, for people; absent together with everything else that protects it is RED. */
  readonly policy?: Readonly<Record<string, string | number | boolean>>
  /** event-store: the component whose database holds the events. */
  readonly storedIn?: string
  /** journal: the component whose state it rebuilds, and how often a checkpoint is taken. */
  readonly rebuilds?: string
  readonly checkpointMs?: number
  readonly queues?: readonly string[]
  readonly clusters?: readonly KubernetesCluster[]
  readonly dns?: DnsZone
  readonly loadBalancer?: LoadBalancer
}

export interface KubernetesCluster {
  readonly name: string
  readonly region: string
  readonly credentialsRef?: string
  readonly workloads: readonly KubernetesWorkload[]
}

export interface KubernetesWorkload {
  readonly name: string
  readonly namespace: string
  /** Pods in normal times; 0 in a passive region. */
  readonly instances: number
  /** Pods after a failover to this cluster. */
  readonly target: number
  /** Bounds of the horizontal autoscaler, when there is one. */
  readonly scale?: { readonly least: number; readonly most: number }
}

export interface DnsZone {
  readonly provider: 'route53' | 'cloudflare' | 'rfc2136'
  readonly zone: string
  readonly credentialsRef?: string
  readonly records: readonly DnsRecord[]
}

/** The record leads to one region at a time, or to all active ones; it is never empty. */
export interface DnsRecord {
  readonly name: string
  readonly type: 'A' | 'AAAA' | 'CNAME'
  readonly ttlMs: number
  readonly targets: readonly { readonly region: string; readonly values: readonly string[] }[]
}

export interface LoadBalancer {
  readonly leadsTo: string
  readonly addresses: readonly { readonly region: string; readonly address: string }[]
  readonly healthCheck?: HealthCheck
}
