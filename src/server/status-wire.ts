import type { Facts } from '../domain/facts.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import type { MaintenanceRecord } from '../domain/maintenance-record.ts'
import type { AgentView } from '../agent/wire.ts'
import type { EntryState } from '../watch/scheduled-decision.ts'

/** Methods that the control plane serves to people, beside the store's. */
export const statusMethods = {
  status: 'control/status',
  openRun: 'control/open-run',
  /** A ResolveRequest → a ResolvedPoint: asked of the agent that keeps the archive. */
  resolveTarget: 'control/resolve-target',
} as const

export interface ResolveRequest {
  readonly estate: string
  /** Name or id. */
  readonly component: string
  /** See KeptCopies.resolve. */
  readonly target: string
}

export interface ControlPlaneStatus {
  readonly productVersion: string
  readonly estate: string
  /** Its runs are drills; see ControlPlaneSetup. */
  readonly sandbox: boolean
  readonly facts: Facts
  readonly clusters: readonly ClusterStatus[]
  readonly hosts: readonly HostStatus[]
  /** Absent: it was never maintenance. */
  readonly maintenance?: MaintenanceRecord
  /** What the estate declares to happen at a time, one entry for each component; absent: nothing that this version keeps. */
  readonly timetable?: readonly TimetableStatus[]
}

export interface TimetableStatus extends EntryState {
  /** The last time that it was due and did not begin, by this process; a restart forgets it. */
  readonly lastPassedOver?: { readonly atMs: number; readonly reason: string }
  /** Why it is not judged now. Absent: it is. */
  readonly blind?: string
}

export interface ClusterStatus {
  readonly component: string
  readonly leader?: LeaderRecord
  readonly detection: { readonly state: string; readonly reason: string; readonly silentMs: number }
  /** The open run on its scope, '' when none. */
  readonly openRun: string
  /** What the automatic decision was, and why. */
  readonly automatic: string
  /** Highest epoch of its scope. */
  readonly epoch: number
  /** For how long at most, in ms, an isolated primary answers reads; absent: without bound. */
  readonly staleReadBoundMs?: number
  /** Why it is not judged now: nothing starts by itself. Absent: it is. */
  readonly blind?: string
}

/** A host whose newest report is older than this, in ms, is not reachable, as far as plans are concerned. */
export const freshMs = 1_000

export interface HostStatus {
  readonly host: string
  /** Age of its newest report in ms; absent when it never reported. */
  readonly ageMs?: number
  readonly view?: AgentView
}
