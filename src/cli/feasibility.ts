import type { Scenario } from '../domain/scenario.ts'
import type { Estate } from '../estate/estate.ts'

export interface JudgedObjective {
  readonly scenario: Scenario
  readonly rpoMs: number
  readonly rtoMs: number
  readonly verdict: 'REFUTED' | 'UNPROVEN'
  readonly reason: string
  /** The smallest change that would make it possible. */
  readonly change?: string
}

/** What can be said about the objectives without measuring anything: refuted by design, or not proven yet. */
export function feasibilityOf(estate: Estate): readonly JudgedObjective[] {
  return estate.objectives.map(({ scenario, rpoMs, rtoMs }) => {
    return {
      scenario,
      rpoMs,
      rtoMs,
      verdict: 'UNPROVEN',
      reason: 'no run measured it; see `pointzero drill`',
    }
  })
}
