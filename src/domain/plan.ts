import type { Json } from './canonical-json.ts'
import type { EstateId } from './id.ts'
import type { Scenario } from './scenario.ts'

/** A compiled procedure: pure data, hashed over its canonical JSON. What was approved is what runs. */
export interface Plan {
  readonly format: 'pointzero/plan/1'
  readonly procedure: string
  /** Version of the procedure's meaning; raised when the same steps would act differently. */
  readonly procedureVersion: number
  readonly productVersion: string
  readonly estate: EstateId
  /** SHA-256 of the canonical estate. */
  readonly estateDigest: string
  /** Digest of exactly those facts that this plan depends on. */
  readonly factsDigest: string
  readonly scenario: Scenario | 'none'
  readonly parameters: Readonly<Record<string, string>>
  /** `cluster:<component id>`, `region:<name>` or `estate`: whose epoch the executor raises. */
  readonly scope: string
  readonly mode: 'real' | 'drill'
  readonly steps: readonly Step[]
}

export type StepEffect = 'none' | 'reversible' | 'point-of-no-return'

export interface Step {
  readonly id: string
  /** Registered action name; `actionVersion` is checked on resume and by the agent. */
  readonly action: string
  readonly actionVersion: number
  /**
   * Plain data. `{ "from": "<step id>", "field": "<name>" }` as a value takes a field of that step's output at run time; the
   * journal records what was bound.
   */
  readonly args: Readonly<Record<string, Json>>
  /** Host name whose agent performs it, `control` for the executor itself, or a binding to a host name. */
  readonly on: string | StepReference
  /** Step ids that must be finished first. */
  readonly after: readonly string[]
  /** Of `after`, how many must be done; absent = all. A failed one beyond that is tolerated and named (quorum steps). */
  readonly quorum?: number
  /** When true its failure does not fail the run; it is listed as missing in the result (law 10). */
  readonly optional?: boolean
  /** One sentence, what is observed when this step is done. */
  readonly proves: string
  readonly effect: StepEffect
  /** For one attempt. */
  readonly timeoutMs: number
  readonly retry: { readonly attempts: number; readonly waitMs: number }
  /** Action that undoes it (cancel, permanent failure), with the same args; absent for effect none. */
  readonly compensation?: {
    readonly action: string
    readonly actionVersion: number
    readonly args: Readonly<Record<string, Json>>
  }
  /** Which part of the recovery time it counts to. */
  readonly phase: 'decide' | 'execute' | 'verify' | 'traffic'
}

export interface StepReference {
  readonly from: string
  readonly field: string
}
