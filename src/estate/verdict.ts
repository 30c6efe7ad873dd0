import type { Facts } from '../domain/facts.ts'
import type { Scenario } from '../domain/scenario.ts'

/** Whether an objective can be kept. REFUTED by arithmetic or measurement; PROVEN by evidence only; UNPROVEN is everything between. */
export interface Verdict {
  readonly scenario: Scenario
  readonly component: string
  readonly objective: 'rpo' | 'rto'
  readonly targetMs: number
  readonly verdict: 'REFUTED' | 'UNPROVEN' | 'PROVEN'
  /** False: this version has no procedure for it, whatever the design would allow. */
  readonly recoverable: boolean
  readonly why: string
  /** Of the estate, or what to run; absent when proven. */
  readonly smallestChange?: string
}

/** What one drill showed, as its signed bundle says. */
export interface EvidenceSummary {
  readonly bundle: string
  readonly procedure: string
  readonly scenario: Scenario
  readonly component: string
  readonly outcome: 'passed' | 'failed' | 'inconclusive' | 'interrupted'
  readonly rpoMs: number
  readonly rtoMs: number
  /** Size of the data that the drill ran with; it proves nothing beyond twice of it. */
  readonly sizeBytes?: number
  readonly restoreBytesPerSecond?: number
  readonly endedAtMs: number
  readonly expiresAtMs: number
  /** Versions, topology or policy changed since: the reason. */
  readonly voidBecause?: string
}

export type EvidenceByComponent = ReadonlyMap<string, readonly EvidenceSummary[]>

/** What is known beside the declaration; all of it optional, and nothing is proven without evidence and the time. */
export interface Known {
  readonly facts?: Facts
  readonly evidence?: readonly EvidenceSummary[]
  /** Of components whose copies are kept by a host of the estate. Absent: nothing was asked. */
  readonly copies?: readonly KnownCopies[]
  /** Backups and restore tests that should have been there by now. */
  readonly overdue?: readonly Overdue[]
  /** Components that the control plane does not judge now, with why. */
  readonly blind?: ReadonlyMap<string, string>
  /** Wall ms, for the age of evidence and the end of exclusions. */
  readonly nowMs?: number
}

/** What the host that keeps them says of the copies of one component. */
export interface KnownCopies {
  readonly component: string
  readonly host: string
  /** False: no fresh report, or it has not read them yet. */
  readonly isKnown: boolean
  readonly snapshots: number
  /** See CopiesFinding. */
  readonly broken: readonly string[]
  readonly brokenBefore: readonly string[]
  readonly problems: readonly string[]
  /** How long ago everything of the primary was in the archive; undefined: nobody knows. */
  readonly exposedMs?: number
  /** Why it does not receive now. */
  readonly degraded?: string
  readonly failedRestore?: FailedRestore
}

export interface Overdue {
  readonly component: string
  readonly what: 'backup' | 'restore test'
  /** Wall ms; absent: there never was one. */
  readonly sinceMs?: number
  /** By as long again as it may take from one to the next. */
  readonly isLong: boolean
  /** Why it did not begin; absent: nobody knows. */
  readonly why?: string
}

/** The last restore test of a component, when it did not end well. */
export interface FailedRestore {
  readonly component: string
  /** What it found is wrong with the copies themselves, not with the place that they were to be restored in. */
  readonly isOfCopies: boolean
  readonly text: string
}

/** One side of a verdict before evidence is weighed. */
export interface Judgement {
  readonly refuted: boolean
  readonly why: string
  readonly smallestChange?: string
}
