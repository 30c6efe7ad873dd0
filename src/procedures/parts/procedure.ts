import type { Facts } from '../../domain/facts.ts'
import type { Plan } from '../../domain/plan.ts'
import type { Scenario } from '../../domain/scenario.ts'
import type { Estate } from '../../estate/estate.ts'

export interface PlanRequest {
  readonly estate: Estate
  readonly facts: Facts
  readonly parameters: Readonly<Record<string, string>>
  readonly mode: 'real' | 'drill'
}

/** A kind of recovery: a pure function from what is declared and observed to a plan. */
export interface Procedure {
  readonly name: string
  readonly version: number
  readonly scenario: Scenario | 'none'
  /** One sentence for `pointzero plan --help`. */
  readonly summary: string
  /** The control plane may begin it by itself, under a standing approval of people. */
  readonly isAutomatic?: true
  readonly parameters: readonly {
    readonly name: string
    readonly required: boolean
    readonly meaning: string
  }[]
  plan(request: PlanRequest): Plan
}
