import assert from 'node:assert/strict'
import type { Plan, Step } from '../../src/domain/plan.ts'

export function stepOf(plan: Plan, id: string): Step {
  const found = plan.steps.find((step) => step.id === id)
  assert.ok(found, `the plan has a step ${id}: ${plan.steps.map((step) => step.id).join(', ')}`)
  return found
}

/** Ids of everything that must have ended before the step starts. */
export function before(plan: Plan, id: string): ReadonlySet<string> {
  const all = new Set<string>()
  for (const earlier of stepOf(plan, id).after) {
    all.add(earlier)
    for (const one of before(plan, earlier)) all.add(one)
  }
  return all
}

export function assertAfter(plan: Plan, id: string, earlier: string): void {
  assert.ok(before(plan, id).has(earlier), `${id} starts only after ${earlier}`)
}

export function idsOf(plan: Plan, action: string): readonly string[] {
  return plan.steps.filter((step) => step.action === action).map(({ id }) => id)
}
