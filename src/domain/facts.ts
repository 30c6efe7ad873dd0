import type { ComponentId, MemberId, RunId } from './id.ts'
import type { MemberRole } from './member-role.ts'

/**
 * What was observed, as far as plans depend on it: identities, roles, timelines, sets. LSNs, lags and ages are not here: they
 * move every millisecond, so plans hold the rule and the run journal holds the binding (law 5).
 */
export interface Facts {
  readonly format: 'pointzero/facts/1'
  readonly estate: string
  readonly clusters: readonly ClusterFacts[]
  readonly gates: readonly GateFacts[]
  readonly instances: readonly InstanceFacts[]
  /** Absent in facts that were recorded before hosts kept copies. */
  readonly copies?: readonly CopiesFacts[]
  /** By the control store; absent: it was never on. */
  readonly maintenance?: MaintenanceFacts
}

export interface MaintenanceFacts {
  readonly on: boolean
  readonly gates: readonly ComponentId[]
  readonly message: string
  /** Wall ms. */
  readonly sinceMs: number
  /** That switched it. */
  readonly run: RunId
}

export interface ClusterFacts {
  readonly component: ComponentId
  /** Bound at adoption; '' before. */
  readonly systemIdentifier: string
  /** From the control store: who leads, and the names that may acknowledge (published before they count). */
  readonly leader: MemberId | ''
  readonly publishedSync: readonly string[]
  readonly publishedCount: number
  readonly members: readonly MemberFacts[]
}

export interface MemberFacts {
  readonly member: MemberId
  readonly name: string
  readonly host: string
  readonly zone: string
  /** Reachable = its agent answered within the freshness bound. */
  readonly reachable: boolean
  readonly role: MemberRole
  readonly timeline: number
  readonly systemIdentifier: string
  readonly versionNumber: number
  /** Receives WAL from the leader now. */
  readonly receiving: boolean
  /** Reasons that void RPO 0 on this member (sessions bypassing synchronous_commit …). */
  readonly bypasses: readonly string[]
  /** It is a primary that a run told to refuse writes. Absent when it was not. */
  readonly refusesWrites?: boolean
}

export interface GateFacts {
  readonly component: ComponentId
  readonly host: string
  readonly reachable: boolean
}

export interface InstanceFacts {
  readonly component: ComponentId
  readonly host: string
  readonly zone: string
  readonly reachable: boolean
  readonly running: boolean
}

/** Where the archive and the vault of a component are kept, one entry a host. What is in them moves all the time and is not here. */
export interface CopiesFacts {
  readonly component: ComponentId
  readonly host: string
  readonly keeps: readonly ('archive' | 'vault')[]
  readonly reachable: boolean
  /** Of the database that is kept there; '' when it is not known. */
  readonly systemIdentifier: string
  /** Where the estate declares that commits may wait for the archive; absent otherwise. */
  readonly capture?: CaptureFacts
}

/** What a capture says of itself, and what the leader says of it. How far it is behind moves all the time and is not here. */
export interface CaptureFacts {
  /** The application_name under which it receives; '' when it does not say. */
  readonly applicationName: string
  /** The member that it receives from; '' when from nobody. */
  readonly from: MemberId | ''
  /** From the newest base backup on nothing is missing or damaged in its archive. */
  readonly isWhole: boolean
  /** Those of the leader that PostgreSQL would take for it, by application_name without regard to case. */
  readonly connections: number
}
