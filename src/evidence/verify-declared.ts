import type { Json } from '../domain/canonical-json.ts'
import { digest } from '../engine/digest.ts'
import { EvidenceDefect, listAt, objectAt, textAt } from './evidence-defect.ts'
import type { JsonObject } from './evidence-defect.ts'

const procedures: readonly Json[] = ['backup', 'backup-verification']
const where = 'entry 4 journal, record 0, field event.declared'
const estateEntry = 'entry 3 estate'

/**
 * A run that no person allowed is one that the estate declares: of copies, by a procedure that destroys nothing, under the declaration that
 * the bundle's own estate holds. See engine/declared-permission.ts.
 */
export function verifyDeclared(declared: Json, plan: JsonObject, content: Json | undefined): void {
  const permission = objectAt(declared, where)
  textAt(permission, 'declaration', where)
  const scope = textAt(plan, 'scope', 'entry 0 plan')
  const component = /^copies:(cmp_[a-z0-9]+)$/.exec(scope)?.[1]
  if (component === undefined || !procedures.includes(plan['procedure'] ?? null))
    throw new EvidenceDefect('APPROVAL', where, 'does not allow this procedure in this scope')
  const steps = listAt(plan['steps'], 'entry 0 plan, field steps')
  if (steps.some((step) => objectAt(step, 'entry 0 plan, field steps')['effect'] === 'point-of-no-return'))
    throw new EvidenceDefect('APPROVAL', where, 'does not allow what can not be undone')
  const declaring = declaringPart(objectAt(content, estateEntry), component)
  if (declaring.approvals.some((rule) => rule['procedure'] === plan['procedure']))
    throw new EvidenceDefect('APPROVAL', where, 'does not count where the estate asks people to approve it')
  if (textAt(permission, 'digest', where) !== digest(declaring))
    throw new EvidenceDefect('APPROVAL', where, 'is not what the estate of entry 3 declares')
}

function declaringPart(estate: JsonObject, component: string) {
  const named = (field: string): readonly JsonObject[] =>
    listAt(estate[field] ?? [], `${estateEntry}, field ${field}`).map((one) =>
      objectAt(one, `${estateEntry}, field ${field}`),
    )
  const own = (field: string): readonly JsonObject[] =>
    named(field).filter(({ procedure }) => procedures.includes(procedure ?? null))
  const found = named('components').find(({ id }) => id === component)
  if (found === undefined) throw new EvidenceDefect('APPROVAL', where, 'is of no component of the estate')
  const { protection = null } = found
  return { component, protection, schedules: own('schedules'), approvals: own('approvals') }
}
