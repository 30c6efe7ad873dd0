import type { Estate, PostgresComponent, PostgresMember } from '../estate/estate.ts'
import type { HostId } from '../domain/id.ts'
import type { ActionRegistry } from '../engine/action.ts'
import type { AgentContext } from '../actions/agent-context.ts'
import type { ComputeInstance } from '../ports/compute-instance.ts'
import type { DatabaseRecovery } from '../ports/database-recovery.ts'
import type { DatabaseMember, DatabaseProbe } from '../ports/database-member.ts'
import type { Endpoint } from '../ports/network.ts'
import type { KeptCopies } from '../ports/kept-copies.ts'
import type { RecoveryAccess } from '../ports/recovery-source.ts'
import type { TrafficGate } from '../ports/traffic-gate.ts'

export interface LocalMember {
  readonly cluster: PostgresComponent
  readonly member: PostgresMember
  readonly driver: DatabaseMember
  /** Absent: this host brings nothing of it back. */
  readonly recovery?: DatabaseRecovery
}

/** What is put together once, at the rim, to make an agent: its place in the estate and the drivers of what lives beside it. */
export interface AgentSetup {
  readonly estate: Estate
  readonly host: HostId
  readonly listen: Endpoint
  readonly controlPlane: { readonly endpoint: Endpoint; readonly subject: string }
  /** Absolute path of the agent's durable state. */
  readonly statePath: string
  readonly heartbeatMs: number
  readonly members: readonly LocalMember[]
  readonly gates: readonly { readonly component: string; readonly gate: TrafficGate }[]
  readonly instances: readonly { readonly component: string; readonly instance: ComputeInstance }[]
  readonly probe: DatabaseProbe
  readonly actions: ActionRegistry<AgentContext>
  /** What this host keeps of components. */
  readonly copies?: readonly KeptCopies[]
  /** Absent: this host restores nothing. */
  readonly recovery?: RecoveryAccess
}
