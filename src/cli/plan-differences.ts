import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { Plan, Step } from '../domain/plan.ts'

/** One thing that two plans do not have in common. A side that lacks it is absent. */
export interface PlanDifference {
  /** `factsDigest`, `parameters.member`, `step promote`, `step promote: timeoutMs`. */
  readonly what: string
  readonly before?: Json
  readonly now?: Json
}

/** In the order of the plan; empty exactly when both have the same hash. Steps are compared by their ids. Pure. */
export function planDifferences(before: Plan, now: Plan): readonly PlanDifference[] {
  const { parameters: parametersBefore, steps: stepsBefore, ...restBefore } = before
  const { parameters: parametersNow, steps: stepsNow, ...restNow } = now
  return [
    ...memberDifferences('', restBefore, restNow),
    ...memberDifferences('parameters.', parametersBefore, parametersNow),
    ...stepDifferences(stepsBefore, stepsNow),
  ]
}

function stepDifferences(before: readonly Step[], now: readonly Step[]): readonly PlanDifference[] {
  const stepsBefore = new Map(before.map((step) => [step.id, step]))
  const stepsNow = new Map(now.map((step) => [step.id, step]))
  const ids = [...new Set([...stepsBefore.keys(), ...stepsNow.keys()])]
  const changed = ids.flatMap((id) => {
    const [was, is] = [stepsBefore.get(id), stepsNow.get(id)]
    if (was === undefined) return [{ what: `step ${id}`, now: stepSummary(is) }]
    if (is === undefined) return [{ what: `step ${id}`, before: stepSummary(was) }]
    return memberDifferences(`step ${id}: `, was, is)
  })
  if (changed.length > 0) return changed
  const orders = [before, now].map((steps) => steps.map(({ id }) => id))
  const [orderBefore = [], orderNow = []] = orders
  return canonicalJson(orderBefore) === canonicalJson(orderNow)
    ? []
    : [{ what: 'order of the steps', before: orderBefore, now: orderNow }]
}

function stepSummary(step: Step | undefined): string {
  const on = typeof step?.on === 'string' ? step.on : `(${step?.on.from}.${step?.on.field})`
  return `${step?.action} on ${on}`
}

function memberDifferences(prefix: string, before: object, now: object): readonly PlanDifference[] {
  const [was, is] = [before, now] as readonly Readonly<Record<string, Json>>[]
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((name) => {
    const [left, right] = [was?.[name], is?.[name]]
    if (left !== undefined && right !== undefined && canonicalJson(left) === canonicalJson(right)) return []
    return [
      {
        what: `${prefix}${name}`,
        ...(left === undefined ? {} : { before: left }),
        ...(right === undefined ? {} : { now: right }),
      },
    ]
  })
}
