import type { ComponentId, EstateId, HostId, MemberId } from '../domain/id.ts'
import type { Scenario } from '../domain/scenario.ts'

/** The declared estate after parsing, defaults and cross-checks; plain data, deterministic order (as declared). */
export interface Estate {
  readonly format: 'pointzero/estate/1'
  readonly id: EstateId
  readonly name: string
  readonly regions: readonly Region[]
  readonly hosts: readonly Host[]
  readonly controlPlane: ControlPlane
  readonly components: readonly Component[]
  readonly objectives: readonly Objective[]
  readonly schedules: readonly Schedule[]
  readonly assumptions: readonly string[]
}

export interface Region {
  readonly name: string
  readonly role: 'active' | 'passive'
  readonly zones: readonly string[]
}

export interface Host {
  readonly id: HostId
  readonly name: string
  /** Zone name, or `outside` for a host that belongs to no zone of the estate (clients, a witness). */
  readonly zone: string
  readonly address: string
  readonly agentPort: number
}

export interface ControlPlane {
  /** Host name where `pointzero serve` runs; a warning when its zone is one that it must outlive. */
  readonly host: string
  readonly port: number
}

export interface Objective {
  readonly scenario: Scenario
  /** Component names it covers; all when absent. */
  readonly components?: readonly string[]
  readonly rpoMs: number
  readonly rtoMs: number
}

export interface Schedule {
  readonly name: string
  readonly procedure: string
  readonly scenario?: Scenario
  /** monthly, quarterly, weekly, daily, hourly with a window; not executed by this version (see docs/reference/estate.md). */
  readonly every: 'hour' | 'day' | 'week' | 'month' | 'quarter'
  readonly window?: string
  readonly timeZone: string
}

interface ComponentBase {
  readonly id: ComponentId
  readonly name: string
  /** Names of components that must work before this one does. */
  readonly dependsOn: readonly string[]
}

export type Component =
  | PostgresComponent
  | ComputeComponent
  | GateComponent
  | DeclaredComponent

export interface PostgresComponent extends ComponentBase {
  readonly kind: 'postgres'
  readonly database: string
  readonly user: string
  /** `env:NAME` or `file:/absolute/path`; never a value. */
  readonly passwordRef?: string
  readonly members: readonly PostgresMember[]
  readonly policy: PostgresPolicy
}

export interface PostgresMember {
  readonly id: MemberId
  /** Label; also the application_name under which it streams. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly dataDirectory: string
}

export interface PostgresPolicy {
  /** Acknowledging standbys required for a commit; 0 = asynchronous. Always `ANY n (explicit names)`. */
  readonly synchronousCount: number
  readonly failover: Readonly<Partial<Record<Scenario, 'automatic' | 'manual'>>>
  /** Silence, seen from enough places, after which the primary counts as down. */
  readonly detectMs: number
  /** A primary that can neither renew nor see an acknowledgement stops itself after this long. */
  readonly fenceMs: number
  /** Automatic switches allowed within this window before an operator is asked (flap guard). */
  readonly flapWindowMs: number
  readonly flapMax: number
}

export interface ComputeComponent extends ComponentBase {
  readonly kind: 'compute'
  readonly instances: readonly { readonly host: string; readonly port: number }[]
  /** Runs one instance, in the zone of this component's primary; elsewhere it is started on demand. */
  readonly placedWith?: string
  /** argv of the instance; `{port}`, `{host}` are replaced. No shell. */
  readonly command: readonly string[]
}

export interface GateComponent extends ComponentBase {
  readonly kind: 'gate'
  /** The component whose primary or instance it leads to. */
  readonly leadsTo: string
  readonly listeners: readonly { readonly host: string; readonly port: number }[]
  readonly implementation: 'builtin' | 'haproxy'
}

/** Kinds that this version accepts and shows as not yet recoverable. */
export interface DeclaredComponent extends ComponentBase {
  readonly kind:
    | 'nats'
    | 'redis'
    | 'rabbitmq'
    | 'event-store'
    | 'journal'
    | 'object-store'
    | 'kubernetes'
    | 'dns'
    | 'load-balancer'
    | 'service'
  readonly locations: readonly string[]
  /** Absent policy is RED, never ignored. */
  readonly policy?: Readonly<Record<string, string | number | boolean>>
}
