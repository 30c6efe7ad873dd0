import type { Scenario } from '../domain/scenario.ts'
import type { Plan } from '../domain/plan.ts'
import { entryContent } from '../evidence/evidence-bundle.ts'
import type { EvidenceBundle } from '../evidence/evidence-bundle.ts'
import type { Measurements } from '../evidence/measurements.ts'
import type { RecoveryTimes } from '../evidence/recovery-times.ts'
import type { ScenarioVerdict } from '../evidence/verdict.ts'
import { verifyEvidence } from '../evidence/verify-evidence.ts'
import { scopeOf } from '../estate/estate-lookup.ts'
import type { Estate } from '../estate/estate.ts'
import type { EvidenceSummary } from '../estate/verdict.ts'
import { productVersion } from '../domain/product-version.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { digest } from '../engine/digest.ts'
import { readBytes } from './read-json.ts'
import { signatureVerifier } from './real-world.ts'

/** What a bundle says about an estate, once it was found genuine. Whether it is fresh and large enough is judged by the estate. */
export async function evidenceSummary(
  file: string,
  estate: Estate,
  keys: ReadonlyMap<string, string>,
): Promise<readonly EvidenceSummary[]> {
  const found = verifyEvidence(await readBytes(file), { keys, estate: estate.id }, signatureVerifier)
  if (!found.ok) throw notGenuine(file, `${found.where} ${found.message} (${found.code})`)
  const plan = entryContent<Plan>(found.bundle, 'plan')
  const { scenario } = plan
  if (scenario === 'none') return []
  return recoveredBy(plan, estate).map((component) =>
    summary(file, found.bundle, { plan, scenario, component, estate }),
  )
}

/** The component of the plan's scope, and those that its steps lead or start again: the clients were measured through all of them. */
function recoveredBy(plan: Plan, estate: Estate): readonly string[] {
  const named = new Set(plan.steps.map(({ args }) => args['component']))
  return estate.components
    .filter((one) => scopeOf(one) === plan.scope || named.has(one.id))
    .map(({ name }) => name)
}

interface Subject {
  readonly plan: Plan
  readonly scenario: Scenario
  readonly component: string
  readonly estate: Estate
}

function summary(file: string, bundle: EvidenceBundle, subject: Subject): EvidenceSummary {
  const { writes, undone, lossMs, invariants } = entryContent<Measurements>(bundle, 'measurements')
  const { totalMs } = entryContent<RecoveryTimes>(bundle, 'recovery-times')
  const verdict = entryContent<readonly ScenarioVerdict[]>(bundle, 'verdicts').find(
    ({ scenario }) => scenario === subject.scenario,
  )
  const isDone = bundle.head.status === 'completed' || bundle.head.status === 'completed-with-gaps'
  const isMeasured = totalMs !== undefined && writes.acknowledged > 0
  const holds = invariants.every((invariant) => invariant.holds)
  const voidBecause = changedSince(bundle, subject)
  // What was acknowledged after a corruption is undone and not replayed: no run of this release shows that nothing is lost by one.
  const undoneMs = subject.scenario === 'corruption' ? Math.max(undone?.spanMs ?? 0, 1) : 0
  return {
    bundle: file,
    procedure: subject.plan.procedure,
    scenario: subject.scenario,
    component: subject.component,
    outcome: !isDone || !holds ? 'failed' : isMeasured ? 'passed' : 'inconclusive',
    rpoMs: Math.max(writes.lost > 0 ? Math.max(lossMs, 1) : 0, undoneMs),
    rtoMs: totalMs ?? Number.MAX_SAFE_INTEGER,
    ...(verdict?.scale === undefined ? {} : { sizeBytes: Number(verdict.scale.databaseBytes) }),
    endedAtMs: bundle.head.createdAtMs,
    expiresAtMs: verdict?.validUntilMs ?? bundle.head.createdAtMs,
    ...(voidBecause === undefined ? {} : { voidBecause }),
  }
}

function changedSince({ head }: EvidenceBundle, { plan, estate }: Subject): string | undefined {
  if (head.productVersion !== productVersion)
    return `it was made by ${head.productVersion}, this is ${productVersion}`
  return plan.estateDigest === digest(estate) ? undefined : 'the estate was changed since'
}

function notGenuine(file: string, what: string): RecoveryError {
  return new RecoveryError({
    code: 'EVIDENCE_NOT_GENUINE',
    class: 'refused',
    message: `${file}: ${what}`,
    hint: `look at it with \`pointzero evidence verify ${file}\``,
  })
}
