import type { Scenario } from '../domain/scenario.ts'

/** When something is to happen by itself. Which of them this version executes is `src/estate/timetable.ts`. */
export interface Schedule {
  readonly name: string
  readonly procedure: string
  readonly scenario?: Scenario
  readonly every: 'hour' | 'day' | 'week' | 'month' | 'quarter'
  /** Which day of the period: `first tuesday`, `sunday`, `day 15`. */
  readonly on?: string
  /** Local start time and length: `02:00/PT2H`. */
  readonly window?: string
  readonly timeZone: string
  /** Absent: the schedule runs the procedure itself. `sandbox` and `live` are drills. */
  readonly mode?: 'sandbox' | 'live'
  /** The firing is passed over, and says so, while one of these holds. */
  readonly blockedBy?: readonly BlockingCondition[]
}

export const blockingConditions = [
  'open-run',
  'component-not-green',
  'exposure-above-objective',
  'unverified-last-copy',
  'maintenance-enabled',
  'change-freeze',
  'missing-approval',
] as const
export type BlockingCondition = (typeof blockingConditions)[number]
