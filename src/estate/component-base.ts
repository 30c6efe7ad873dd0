import type { ComponentId } from '../domain/id.ts'
import type { Dataset, Invariant, Protection, RegionReplication, Replay } from './protection.ts'

export interface ComponentBase {
  readonly id: ComponentId
  readonly name: string
  /** Names of components that must work before this one does. */
  readonly dependsOn: readonly string[]
  readonly owner?: string
  /** Recovered first when several wait for the same thing; 1 is first. */
  readonly priority?: number
  /** Expected size of its data, for the time that a restore takes until it is measured. */
  readonly sizeBytes?: number
  /** Measured restore throughput, if a drill has not measured it yet: what the operator assumes. */
  readonly restoreBytesPerSecond?: number
  readonly runbook?: string
  readonly protection?: Protection
  readonly replication?: readonly RegionReplication[]
  readonly datasets?: readonly Dataset[]
  readonly replay?: Replay
  readonly invariants?: readonly Invariant[]
  /** Nothing was declared that would protect it: RED, never ignored (incident D22). */
  readonly unprotected?: true
}

/** What a gate or load balancer asks before it sends anybody to a target. */
export interface HealthCheck {
  readonly request: string
  readonly everyMs: number
  readonly timeoutMs: number
  readonly failures: number
}
