import type { Json } from '../domain/canonical-json.ts'
import type { Plan } from '../domain/plan.ts'
import type { RunId } from '../domain/id.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { requireEstate } from '../agent/action-desk.ts'
import { checkApproval } from '../engine/approval-check.ts'
import type { ApprovalGround } from '../engine/approval-check.ts'
import type { Approval } from '../engine/approval.ts'
import { readEpoch } from '../engine/epoch.ts'
import { entitledAmong, openRun } from '../engine/open-run.ts'
import { readApproval } from '../engine/read-approval.ts'
import { planHash } from '../engine/plan-hash.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { StoreEntry } from '../ports/control-store.ts'
import type { Facts } from '../domain/facts.ts'
import type { Peer } from '../ports/network.ts'
import type { World } from '../ports/world.ts'
import { procedureNamed } from '../procedures/parts/catalogue.ts'
import type { ControlPlaneSetup } from './control-plane-setup.ts'
import { requireNotBehind } from './store-behind.ts'

/** What a person sends to open a run. The plan is made again from the facts of this moment and must come out the same. */
export interface OpenRunRequest {
  readonly estate: string
  readonly procedure: string
  readonly parameters: Readonly<Record<string, string>>
  readonly mode: Plan['mode']
  /** The hash that was shown and approved. */
  readonly planHash: string
}

export interface OpenRunReply {
  readonly run: RunId
}

/** People who must approve when the estate declares no rule for the procedure. */
const approvalsByDefault = 1

/**
 * Opens runs for people. Requester, clock, principals and facts are the control plane's own: nothing that decides about permission
 * comes from the caller. A plan that no longer comes out as it was approved is refused, with the new hash.
 */
export async function openRunFor(
  world: World,
  setup: ControlPlaneSetup,
  facts: Facts,
  call: { readonly body: Json; readonly peer: Peer; readonly reportedEpoch: (scope: string) => number },
): Promise<OpenRunReply> {
  const request = call.body as unknown as OpenRunRequest
  requireEstate(setup.estate.id, request.estate)
  requireMode(request.mode, setup.sandbox === true)
  const { estate, store, verifier } = setup
  const plan = procedureNamed(request.procedure).plan({
    estate,
    facts,
    parameters: request.parameters,
    mode: request.mode,
  })
  const hash = planHash(plan)
  if (hash !== request.planHash) throw factsChanged(request, hash)
  await requireFreshStore(setup, plan.scope, facts, call.reportedEpoch(plan.scope))
  const run: RunId = `run_${world.random.idBody(16)}`
  const rule = estate.approvals?.find(({ procedure }) => procedure === request.procedure)
  const required = rule?.required ?? approvalsByDefault
  const stored = await storedApprovals(setup, hash, world.clock.now())
  const requestedBy = call.peer.subject
  const ground = { estate: estate.id, scope: plan.scope, requestedBy, nowMs: world.clock.now(), verifier }
  const approvals = preferred(stored, hash, {
    ...ground,
    principals: entitledAmong(setup.principals, rule?.approvers),
  })
  await openRun({
    clock: world.clock,
    store,
    verifier,
    run,
    plan,
    planHash: hash,
    requestedBy,
    authorization: {
      kind: 'approvals',
      required,
      approvals: approvals.slice(0, Math.max(required, 1)),
      ...(rule === undefined ? {} : { approvers: rule.approvers }),
    },
  })
  world.log.info('run-opened', { run, procedure: plan.procedure, requestedBy })
  return { run }
}

async function requireFreshStore(
  { store, estate }: ControlPlaneSetup,
  scope: string,
  facts: Facts,
  reported: number,
): Promise<void> {
  const keys = storeKeys(estate.id)
  const held = await readEpoch(store, keys, scope)
  const cluster = facts.clusters.find(({ component }) => scope === `cluster:${component}`)
  await requireNotBehind(store, keys, scope, {
    held,
    reported,
    isAdopted: cluster !== undefined && cluster.leader !== '',
  })
}

/** A drill that changed production would be a disaster with a friendly name. */
function requireMode(mode: Plan['mode'], sandbox: boolean): void {
  if ((mode === 'drill') === sandbox) return
  throw new RecoveryError({
    code: 'MODE_REFUSED',
    class: 'refused',
    message: sandbox
      ? 'this control plane leads a sandbox: it opens drills, and this is a real run'
      : 'this control plane leads no sandbox: a drill would change production',
    hint: sandbox
      ? 'plan it again with `pointzero plan --drill`'
      : 'rehearse in a lab with `pointzero drill zone-loss`',
  })
}

/**
 * Anybody may lay a yes beside the others: one that does not count is no reason to refuse those that do, one of each person. Where none counts,
 * all of them, so that the refusal says what is wrong. Opening the run judges them again.
 */
function preferred(stored: readonly Approval[], hash: string, ground: ApprovalGround): readonly Approval[] {
  const counting = stored.filter((approval) => counts(approval, hash, ground))
  const approvers = counting.map(({ approver }) => approver)
  const each = counting.filter(({ approver }, index) => approvers.indexOf(approver) === index)
  return each.length > 0 ? each : stored
}

function counts(approval: Approval, hash: string, ground: ApprovalGround): boolean {
  try {
    checkApproval(approval, hash, ground)
    return true
  } catch (error) {
    if (error instanceof RecoveryError && error.class === 'refused') return false
    throw error
  }
}

/** Unused approvals of exactly this plan, valid ones first, in the order of their keys. Each is judged when the run opens. */
async function storedApprovals(
  setup: ControlPlaneSetup,
  hash: string,
  nowMs: number,
): Promise<readonly Approval[]> {
  const keys = storeKeys(setup.estate.id)
  const approvals = readable(await setup.store.list(keys.approvals(hash)))
  const unused = await Promise.all(
    approvals.map(
      async (approval) => (await setup.store.get(keys.approvalUse(approval.nonce))) === undefined,
    ),
  )
  const open = approvals.filter((_, index) => unused[index])
  return [
    ...open.filter(({ expiresAtMs }) => expiresAtMs > nowMs),
    ...open.filter(({ expiresAtMs }) => expiresAtMs <= nowMs),
  ]
}

/** What nobody can read approves nothing. Only where there is nothing else does it stop the run, so that the refusal names it. */
function readable(entries: readonly StoreEntry[]): readonly Approval[] {
  const problems: RecoveryError[] = []
  const approvals = entries.flatMap(({ key, value }) => {
    try {
      return [readApproval(value, key)]
    } catch (error) {
      if (!(error instanceof RecoveryError) || error.class !== 'refused') throw error
      problems.push(error)
      return []
    }
  })
  const [problem] = problems
  if (approvals.length === 0 && problem !== undefined) throw problem
  return approvals
}

function factsChanged(request: OpenRunRequest, hash: string): RecoveryError {
  const given = Object.entries(request.parameters).map(([name, value]) => ` --param ${name}=${value}`)
  return new RecoveryError({
    code: 'PLAN_CHANGED',
    class: 'refused',
    message: `the plan that was approved has the hash ${request.planHash.slice(0, 12)}, from the facts of now it is ${hash.slice(0, 12)}: its approval lapsed`,
    hint: `look at the difference with \`pointzero plan ${request.procedure}${given.join('')} --diff ${request.planHash}\`, then \`pointzero approve ${hash}\``,
    context: { planHash: hash, procedure: request.procedure },
  })
}
