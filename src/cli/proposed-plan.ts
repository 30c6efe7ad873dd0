import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { Plan } from '../domain/plan.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { planHash } from '../engine/plan-hash.ts'
import type { Connection } from './connection.ts'
import type { HashedPlan } from './make-plan.ts'

/** Puts the plan where an approver finds it by its hash. Named by its content, so writing it again changes nothing. */
export async function proposePlan(connection: Connection, { plan, hash }: HashedPlan): Promise<void> {
  const key = planKey(connection, hash)
  const value = canonicalJson(plan as unknown as Json)
  await connection.store.transact({ compare: [{ key, revision: 0 }], put: [{ key, value }] })
}

/** What is shown and signed is what was hashed: the hash is computed again here. */
export async function proposedPlan(connection: Connection, hash: string): Promise<Plan> {
  const entry = await connection.store.get(planKey(connection, hash))
  const plan = entry === undefined ? undefined : (JSON.parse(entry.value) as Plan)
  if (plan !== undefined && planHash(plan) === hash && plan.estate === connection.estate.id) return plan
  throw new RecoveryError({
    code: 'PLAN_UNKNOWN',
    class: 'refused',
    message: `the control plane holds no plan ${hash}`,
    hint: 'make it with `pointzero plan <procedure>` and pass its hash on exactly',
  })
}

function planKey({ keys }: Connection, hash: string): string {
  if (/^[0-9a-f]{64}$/.test(hash)) return `${keys.root}plans/${hash}`
  throw new RecoveryError({
    code: 'PLAN_HASH_INVALID',
    class: 'invalid-estate',
    message: `not a plan hash: ${JSON.stringify(hash.slice(0, 80))}`,
    hint: 'copy all 64 characters that `pointzero plan` printed',
  })
}
