import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { requireFormat } from '../domain/format.ts'
import type { Plan } from '../domain/plan.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { ControlStore, StoreCompare, StoreTransaction } from '../ports/control-store.ts'
import type { SignatureVerifier } from '../ports/signer.ts'
import { checkApprovals, checkStandingApproval } from './approval-check.ts'
import type { ApprovalGround } from './approval-check.ts'
import type { Approval, Principal, StandingApproval } from './approval.ts'
import { declaredPermission } from './declared-permission.ts'
import type { DeclaredPermission, DeclaringEstate } from './declared-permission.ts'
import { planHash, validatePlan } from './plan-hash.ts'
import { readStandingApproval } from './read-approval.ts'
import { RunJournal } from './run-journal.ts'
import { storeKeys } from './store-keys.ts'
import type { StoreKeys } from './store-keys.ts'
import { patiently } from './store-patience.ts'
import { runOpen } from './take-over.ts'

/** How a run came to be allowed. `approvals` with `required: 0` needs nobody (drills in a sandbox). */
export type Authorization =
  | {
      readonly kind: 'approvals'
      readonly required: number
      readonly approvals: readonly Approval[]
      /** Ids or names; only these count. Absent: everybody with the role. */
      readonly approvers?: readonly string[]
    }
  /** The standing approval that the control store holds for this procedure and scope. */
  | { readonly kind: 'standing'; readonly policyDigest: string }
  /** The estate says when; see declaredPermission. For the control plane itself only. */
  | { readonly kind: 'declared'; readonly declaration: string; readonly estate: DeclaringEstate }

export interface RunOpening {
  readonly clock: Clock
  readonly store: ControlStore
  readonly verifier: SignatureVerifier
  /** Fresh: `run_` and random characters. */
  readonly run: string
  readonly plan: Plan
  /** What was shown, approved, or announced; must be the hash of `plan`. */
  readonly planHash: string
  readonly requestedBy: string
  readonly authorization: Authorization
  readonly detection?: Json
}

interface Granted {
  readonly shown: {
    readonly approvals: readonly Approval[]
    readonly standing?: StandingApproval
    readonly declared?: DeclaredPermission
  }
  readonly compare: readonly StoreCompare[]
  readonly put: StoreTransaction['put']
}

/**
 * Opens a run: everything that allows it is compared, and everything that it uses up is written, in the one transaction that
 * writes its first record. Of two openers at once one is refused with RUN_OPEN, which names the other's run.
 */
export async function openRun(opening: RunOpening): Promise<void> {
  const { clock, store, plan, run, requestedBy, detection } = opening
  validatePlan(plan)
  const hash = planHash(plan)
  if (hash !== opening.planHash) throw otherPlan(hash, opening.planHash)
  const keys = storeKeys(plan.estate)
  for (;;) {
    const open = await patiently(clock, undefined, () => store.get(keys.open(plan.scope)))
    const holder = open === undefined ? '' : (JSON.parse(open.value) as { readonly run: string }).run
    if (holder !== '') throw runOpen(plan.scope, holder)
    const granted = await grant(opening, keys)
    const journal = new RunJournal({ clock, store, keys, run, writer: requestedBy })
    const shown = { ...granted.shown, ...(detection === undefined ? {} : { detection }) }
    const opened = await journal.append([{ type: 'opened', plan, planHash: hash, requestedBy, ...shown }], {
      compare: [{ key: keys.open(plan.scope), revision: open?.revision ?? 0 }, ...granted.compare],
      put: [{ key: keys.open(plan.scope), value: canonicalJson({ run }) }, ...granted.put],
    })
    if (opened) return
    if (journal.records.length > 0) throw runExists(run)
  }
}

/** Read again for every try: between two of them a person may have lost the role, or an approval may have been used. */
async function grant(opening: RunOpening, keys: StoreKeys): Promise<Granted> {
  const { plan, authorization, requestedBy, run } = opening
  const { ground, samePrincipals } = await groundOf(opening)
  const { principals } = ground
  if (authorization.kind === 'standing') {
    const { approval, read } = await standingOf(opening, ground, authorization.policyDigest)
    return { shown: { approvals: [], standing: approval }, compare: [samePrincipals, read], put: [] }
  }
  if (authorization.kind === 'declared') {
    const declared = declaredPermission(plan, authorization.declaration, authorization.estate)
    requireControlPlane(principals, requestedBy)
    return { shown: { approvals: [], declared }, compare: [samePrincipals], put: [] }
  }
  const { approvals, required, approvers } = authorization
  const entitled = { ...ground, principals: entitledAmong(principals, approvers) }
  checkApprovals(approvals, required, opening.planHash, entitled)
  const uses = approvals.map(({ nonce }) => keys.approvalUse(nonce))
  for (const key of uses) await refuseUsed(opening, key)
  return {
    shown: { approvals },
    compare: [samePrincipals, ...uses.map((key) => ({ key, revision: 0 }))],
    put: uses.map((key) => ({ key, value: canonicalJson({ run }) })),
  }
}

type Asked = Pick<Plan, 'procedure' | 'scope' | 'estate'>
type Asking = Pick<RunOpening, 'clock' | 'store' | 'verifier' | 'requestedBy'> & { readonly plan: Asked }

/** Fails unless the control plane may open runs of the procedure on that scope by itself now. */
export async function requireStanding(asking: Asking, policyDigest: string): Promise<void> {
  const { ground } = await groundOf(asking)
  await standingOf(asking, ground, policyDigest)
}

async function groundOf({ clock, store, plan, requestedBy, verifier }: Asking) {
  const key = storeKeys(plan.estate).principals
  const stored = await patiently(clock, undefined, () => store.get(key))
  const principals = stored === undefined ? [] : principalsOf(stored.value)
  const { estate, scope } = plan
  const ground: ApprovalGround = { estate, scope, requestedBy, principals, nowMs: clock.now(), verifier }
  return { ground, samePrincipals: { key, revision: stored?.revision ?? 0 } }
}

async function standingOf(
  { clock, store, plan }: Asking,
  ground: ApprovalGround,
  policyDigest: string,
): Promise<{ readonly approval: StandingApproval; readonly read: StoreCompare }> {
  const key = storeKeys(plan.estate).standing(plan.procedure, plan.scope)
  const entry = await patiently(clock, undefined, () => store.get(key))
  if (entry === undefined) throw noStanding(plan)
  const approval = readStandingApproval(entry.value, key)
  checkStandingApproval(approval, plan.procedure, policyDigest, ground)
  return { approval, read: { key, revision: entry.revision } }
}

/** A declaration is nobody's to use but the one's that keeps the times. */
function requireControlPlane(principals: readonly Principal[], requestedBy: string): void {
  if (principals.some(({ id, roles }) => id === requestedBy && roles.includes('control-plane'))) return
  throw new RecoveryError({
    code: 'APPROVAL_NOT_DECLARED',
    class: 'refused',
    message: `not approved: ${requestedBy} is no control plane, and only that begins what the estate declares`,
    hint: 'a person opens it: `pointzero plan`, an approval, `pointzero run`',
  })
}

/** Where the estate names the approvers of a procedure, nobody else's yes counts for it. */
export function entitledAmong(
  principals: readonly Principal[],
  approvers: readonly string[] | undefined,
): readonly Principal[] {
  if (approvers === undefined) return principals
  return principals.map((one) =>
    approvers.includes(one.id) || approvers.includes(one.name)
      ? one
      : { ...one, roles: one.roles.filter((role) => role !== 'approver') },
  )
}

async function refuseUsed({ clock, store }: RunOpening, key: string): Promise<void> {
  const use = await patiently(clock, undefined, () => store.get(key))
  if (use === undefined) return
  throw new RecoveryError({
    code: 'APPROVAL_USED',
    class: 'refused',
    message: `not approved: this approval was used already: ${use.value}`,
    hint: 'an approval opens one run; approve again',
  })
}

function principalsOf(text: string): readonly Principal[] {
  const stored = JSON.parse(text) as { readonly format: unknown; readonly principals: readonly Principal[] }
  requireFormat('principals', stored.format, 'principals in the control store')
  return stored.principals
}

function otherPlan(actual: string, expected: string): RecoveryError {
  return new RecoveryError({
    code: 'PLAN_HASH_DIFFERS',
    class: 'refused',
    message: `this plan has the hash ${actual}, not ${expected}`,
    hint: 'what was approved is what runs: plan again and compare with `pointzero plan <procedure> --diff <hash>`',
  })
}

function noStanding(plan: Asked): RecoveryError {
  return new RecoveryError({
    code: 'APPROVAL_MISSING',
    class: 'refused',
    message: `not approved: no standing approval of ${plan.procedure} on ${plan.scope}`,
    hint: `give one with \`pointzero approve --standing ${plan.procedure}\`, or approve this plan`,
  })
}

function runExists(run: string): RecoveryError {
  return new RecoveryError({
    code: 'RUN_EXISTS',
    class: 'refused',
    message: `there is a run ${run} already`,
    hint: 'a run id is used once; try again',
  })
}
