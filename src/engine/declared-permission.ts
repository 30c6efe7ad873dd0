import type { Plan } from '../domain/plan.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { digest } from './digest.ts'

/**
 * What the owner declared that allows a run without a person: when copies of a component are taken, or restored as a test. Nobody signs it: the
 * estate is the control plane's own configuration, as the list of those who may sign is.
 */
export interface DeclaredPermission {
  /** Where it stands in the estate. */
  readonly declaration: string
  /** Of everything that decides about the copies of the component; another declaration is another permission. */
  readonly digest: string
}

/** The parts of an estate that permission is read from. */
export interface DeclaringEstate {
  readonly components: readonly { readonly id: string; readonly protection?: object }[]
  readonly schedules: readonly { readonly procedure: string }[]
  readonly approvals?: readonly { readonly procedure: string }[]
}

/** The only ones that a declaration starts. Neither changes anything that it did not make itself. */
const procedures: readonly string[] = ['backup', 'backup-verification']
/** And what they do: a plan under one of these names that did more would be another plan. */
const actions: ReadonlySet<string> = new Set([
  ...['vault.backup', 'vault.receipt', 'production.note', 'production.untouched', 'recovery.choose'],
  ...['postgres.restore', 'postgres.replay', 'postgres.check', 'postgres.discard'],
])
const scopeForm = /^copies:(cmp_[a-z0-9]+)$/

/** SHA-256 over what is declared about the copies of a component; undefined when the estate has no such component. */
export function declarationDigest(estate: DeclaringEstate, component: string): string | undefined {
  const found = estate.components.find(({ id }) => id === component)
  if (found === undefined) return undefined
  const declared = {
    component,
    protection: found.protection ?? null,
    schedules: estate.schedules.filter(({ procedure }) => procedures.includes(procedure)),
    approvals: (estate.approvals ?? []).filter(({ procedure }) => procedures.includes(procedure)),
  }
  return digest(declared)
}

/** Of a scope `copies:<component>`; undefined for any other. */
export function declarationDigestOf(estate: DeclaringEstate, scope: string): string | undefined {
  const component = scopeForm.exec(scope)?.[1]
  return component === undefined ? undefined : declarationDigest(estate, component)
}

/**
 * A schedule opens this door and no other: for a procedure that destroys nothing, on copies, from the very estate that the plan was made from,
 * and only where the owner asks nobody to approve it. Pure; refuses.
 */
export function declaredPermission(
  plan: Plan,
  declaration: string,
  estate: DeclaringEstate,
): DeclaredPermission {
  const { procedure, scope, steps } = plan
  if (!procedures.includes(procedure)) throw notDeclarable(`${procedure} is never started by a declaration`)
  const found = declarationDigestOf(estate, scope)
  if (found === undefined) throw notDeclarable(`${scope} is no component's copies`)
  const irreversible = steps.find(({ effect }) => effect === 'point-of-no-return')
  if (irreversible !== undefined) throw notDeclarable(`its step ${irreversible.id} can not be undone`)
  const foreign = steps.find(
    ({ action, compensation }) => !actions.has(action) || !actions.has(compensation?.action ?? action),
  )
  if (foreign !== undefined) throw notDeclarable(`its step ${foreign.id} does ${foreign.action}`)
  if (digest(estate) !== plan.estateDigest)
    throw notDeclarable('the plan was made from another estate than the one that declares it')
  if (estate.approvals?.some((rule) => rule.procedure === procedure) === true)
    throw notDeclarable(`the estate asks people to approve ${procedure}`)
  return { declaration, digest: found }
}

function notDeclarable(message: string): RecoveryError {
  return new RecoveryError({
    code: 'APPROVAL_NOT_DECLARED',
    class: 'refused',
    message: `not approved: ${message}`,
    hint: 'a person opens it: `pointzero plan`, an approval, `pointzero run`',
  })
}
