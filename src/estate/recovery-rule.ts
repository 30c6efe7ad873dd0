import type { Scenario } from '../domain/scenario.ts'

/** Which procedure answers a scenario, and whether a person starts it. */
export interface RecoveryRule {
  readonly scenario: Scenario
  readonly procedure: string
  readonly start: 'automatic' | 'manual'
  /** Component names; all when absent. */
  readonly components?: readonly string[]
  /** Procedures that follow, in order. */
  readonly then?: readonly string[]
  /** Stores that it may restore from, in order of preference. */
  readonly stores?: readonly string[]
  /** Where it leads to, for a region or estate loss. */
  readonly target?: string
}

/** m of n people approve exactly one plan; the requester never counts. */
export interface ApprovalRule {
  readonly procedure: string
  readonly required: number
  /** Principal ids (`prn_…`) or names of principals. */
  readonly approvers: readonly string[]
  readonly validMs: number
  /** What an approver confirms with the signature. */
  readonly statement?: string
}

/** The switch that keeps clients out during a recovery of data. */
export interface MaintenanceSwitch {
  /** Gates that it closes. */
  readonly closes: readonly string[]
  readonly message: string
}

/** What is asked of the recovered estate before it is called recovered. */
export interface SmokeTest {
  readonly name: string
  readonly component: string
  readonly request: string
  readonly expect: string
  readonly withinMs: number
}

/** A number that people watch while a scenario is being handled. */
export interface TransitionWatch {
  readonly scenario: Scenario
  readonly measure: 'error-rate' | 'latency-p99' | 'exposure'
  readonly forMs: number
  readonly alarmAbove: string
}

/** A component that nobody promised to recover: somebody answers for that, until a day. */
export interface Exclusion {
  readonly component: string
  readonly owner: string
  readonly reason: string
  /** ISO date; from that day on the exclusion counts as absent. */
  readonly expires: string
}

/** The network between two regions, as assumed; measured values replace it. */
export interface RegionLink {
  readonly between: readonly [string, string]
  readonly kind: 'private' | 'internet'
  readonly roundTripMs: number
  readonly bytesPerSecond: number
}
