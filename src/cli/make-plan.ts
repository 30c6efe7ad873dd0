import { requireFormat } from '../domain/format.ts'
import type { Facts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import { planHash, validatePlan } from '../engine/plan-hash.ts'
import type { Estate } from '../estate/estate.ts'
import { procedureNamed } from '../procedures/parts/catalogue.ts'
import { parameters } from './parameters.ts'
import { readJson } from './read-json.ts'
import { usageError } from './usage-error.ts'

export interface PlanOrder {
  readonly procedure: string
  readonly scenario?: string
  readonly param?: readonly string[]
  readonly mode: Plan['mode']
}

export interface HashedPlan {
  readonly plan: Plan
  readonly hash: string
}

/** Compiles, checks and hashes. The same order, estate and facts give the same hash on every machine. */
export function makePlan(order: PlanOrder, estate: Estate, facts: Facts): HashedPlan {
  const procedure = procedureNamed(order.procedure)
  if (order.scenario !== undefined && order.scenario !== procedure.scenario) {
    throw usageError(
      `${procedure.name} is for ${procedure.scenario}, not for ${order.scenario}`,
      'leave --scenario out, or name another procedure',
    )
  }
  const plan = procedure.plan({
    estate,
    facts,
    parameters: parameters(procedure, order.param ?? []),
    mode: order.mode,
  })
  validatePlan(plan)
  return { plan, hash: planHash(plan) }
}

export async function readFacts(file: string): Promise<Facts> {
  const facts = (await readJson(file)) as unknown as Facts | null
  requireFormat('facts', facts?.format, file)
  return facts as Facts
}
