import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { requireFormat } from '../domain/format.ts'
import type { Plan, Step } from '../domain/plan.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { digest } from './digest.ts'
import { isStepReference, referencesIn } from './step-reference.ts'

/** What an approval binds: any change of any member of the plan changes it. */
export function planHash(plan: Plan): string {
  return digest(plan)
}

const stepId = /^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,99}$/
const hourMs = 3_600_000
/** A store value is at most 1 MiB; the opening record also holds approvals and detection. */
const planBytesMax = 700_000
const stepsMax = 1_000

/** Refuses a plan that could not run as it reads. Run before hashing for approval and again before opening a run. */
export function validatePlan(plan: Plan): void {
  requireFormat('plan', plan.format, 'plan')
  const size = new TextEncoder().encode(canonicalJson(plan as unknown as Json)).length
  require(size <= planBytesMax, `it has ${size} bytes; the most is ${planBytesMax}`)
  require(plan.steps.length > 0, 'it has no steps')
  require(plan.steps.length <= stepsMax, `it has ${plan.steps.length} steps; the most is ${stepsMax}`)
  const finishedBefore = new Map<string, ReadonlySet<string>>()
  for (const step of plan.steps) {
    require(stepId.test(step.id), `step id ${JSON.stringify(step.id)} is malformed`)
    require(!finishedBefore.has(step.id), `step ${step.id} appears twice`)
    checkOrder(step, finishedBefore)
    checkBounds(step)
    const before = closure(step, finishedBefore)
    checkReferences(step, before)
    finishedBefore.set(step.id, before)
  }
}

/** `after` names earlier steps only, so the order of the array is a topological order and there is no cycle. */
function checkOrder(step: Step, earlier: ReadonlyMap<string, unknown>): void {
  require(new Set(step.after).size === step.after.length, `step ${step.id} names a step twice in after`)
  for (const id of step.after)
    require(earlier.has(id), `step ${step.id} comes after ${id}, which is not an earlier step`)
  if (step.quorum === undefined) return
  require(within(
    step.quorum,
    0,
    step.after.length,
  ), `step ${step.id}: quorum ${step.quorum} of ${step.after.length}`)
}

function checkBounds(step: Step): void {
  require(step.action !== '' &&
    within(step.actionVersion, 1, 1_000_000), `step ${step.id} names no action version`)
  require(within(step.timeoutMs, 1, 24 * hourMs), `step ${step.id}: timeoutMs ${step.timeoutMs}`)
  require(within(step.retry.attempts, 1, 1_000), `step ${step.id}: ${step.retry.attempts} attempts`)
  require(within(step.retry.waitMs, 0, hourMs), `step ${step.id}: waits ${step.retry.waitMs} ms`)
  require(step.effect !== 'none' ||
    step.compensation === undefined, `step ${step.id} undoes what has no effect`)
}

/** A reference may only reach a step that must be finished before this one starts. */
function checkReferences(step: Step, before: ReadonlySet<string>): void {
  const on = typeof step.on === 'string' ? [] : [step.on]
  const undo = step.compensation === undefined ? [] : referencesIn(step.compensation.args)
  for (const { from } of [
    ...on,
    ...referencesIn(step.args),
    ...undo.filter(({ from: id }) => id !== step.id),
  ]) {
    require(before.has(
      from,
    ), `step ${step.id} takes a field of ${from}, which need not be finished before it`)
  }
  const onIsName = typeof step.on === 'string' ? step.on !== '' : isStepReference(step.on as unknown as Json)
  require(onIsName, `step ${step.id} names no place to run on`)
}

function closure(step: Step, earlier: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  return new Set(step.after.flatMap((id) => [id, ...(earlier.get(id) ?? [])]))
}

function within(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most
}

function require(holds: boolean, problem: string): asserts holds {
  if (holds) return
  throw new RecoveryError({
    code: 'PLAN_INVALID',
    class: 'refused',
    message: `this plan can not run: ${problem}`,
    hint: 'make it again with `pointzero plan`; report it when that gives the same plan',
  })
}
