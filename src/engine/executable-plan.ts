import type { Plan } from '../domain/plan.ts'
import { executesPlansOf, productVersion } from '../domain/product-version.ts'
import { RecoveryError } from '../domain/recovery-error.ts'

/** Version of every procedure that this program has, by name. */
export type ProcedureVersions = ReadonlyMap<string, number>

/**
 * What was approved is what runs, also when another release takes the run over: it is executed only by a release that means the same by
 * the same steps. Nothing is written before this.
 */
export function requireExecutable(run: string, plan: Plan, procedures: ProcedureVersions): void {
  if (!executesPlansOf(plan.productVersion))
    throw anotherRelease(run, plan, `this is ${productVersion}, which is not declared compatible with it`)
  const known = procedures.get(plan.procedure)
  if (known === plan.procedureVersion) return
  const here = known === undefined ? `has no ${plan.procedure}` : `has ${plan.procedure} version ${known}`
  throw anotherRelease(run, plan, `this release ${here}`)
}

function anotherRelease(run: string, plan: Plan, why: string): RecoveryError {
  const { productVersion: theirs, procedure, procedureVersion } = plan
  return new RecoveryError({
    code: 'PLAN_OF_ANOTHER_RELEASE',
    class: 'refused',
    message: `the plan of ${run} was made by release ${theirs} (${procedure} version ${procedureVersion}); ${why}`,
    hint: `install release ${theirs} on this host, then run \`pointzero resume ${run}\` with it`,
    context: { run, productVersion: theirs, procedureVersion },
  })
}
