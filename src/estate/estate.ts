import type { EstateId, HostId, MemberId } from '../domain/id.ts'
import type { Scenario } from '../domain/scenario.ts'
import type { ComponentBase, HealthCheck } from './component-base.ts'
import type { DeclaredComponent } from './declared-component.ts'
import type { Store } from './protection.ts'
import type {
  ApprovalRule,
  Exclusion,
  MaintenanceSwitch,
  RecoveryRule,
  RegionLink,
  SmokeTest,
  TransitionWatch,
} from './recovery-rule.ts'
import type { Schedule } from './schedule.ts'

export type { DeclaredComponent } from './declared-component.ts'
export type { Schedule } from './schedule.ts'

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
  /** The members below are absent when the estate declares none: an estate keeps its digest when a later version adds one. */
  readonly links?: readonly RegionLink[]
  readonly stores?: readonly Store[]
  readonly recovery?: readonly RecoveryRule[]
  readonly approvals?: readonly ApprovalRule[]
  readonly maintenance?: MaintenanceSwitch
  readonly smokeTests?: readonly SmokeTest[]
  readonly transitions?: readonly TransitionWatch[]
  readonly exclusions?: readonly Exclusion[]
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

export type Component = PostgresComponent | ComputeComponent | GateComponent | DeclaredComponent

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
  /**
   * false: it never stands in synchronous_standby_names and no zone failover chooses it (a standby in another region).
   * Absent: it may acknowledge, and it is a candidate.
   */
  readonly synchronous?: false
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
  readonly healthCheck?: HealthCheck
}
