import type { Json } from '../domain/canonical-json.ts'
import type { Plan } from '../domain/plan.ts'
import type { RunId } from '../domain/id.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { requireEstate } from '../agent/action-desk.ts'
import type { Approval } from '../engine/approval.ts'
import { openRun } from '../engine/open-run.ts'
import { planHash } from '../engine/plan-hash.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { Facts } from '../domain/facts.ts'
import type { Peer } from '../ports/network.ts'
import type { World } from '../ports/world.ts'
import { procedureNamed } from '../procedures/parts/catalogue.ts'
import type { ControlPlaneSetup } from './control-plane-setup.ts'

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
  call: { readonly body: Json; readonly peer: Peer },
): Promise<OpenRunReply> {
  const request = call.body as unknown as OpenRunRequest
  requireEstate(setup.estate.id, request.estate)
  const { estate, store, verifier } = setup
  const plan = procedureNamed(request.procedure).plan({
    estate,
    facts,
    parameters: request.parameters,
    mode: request.mode,
  })
  const hash = planHash(plan)
  if (hash !== request.planHash) throw factsChanged(request, hash)
  const run: RunId = `run_${world.random.idBody(16)}`
  const required =
    estate.approvals?.find(({ procedure }) => procedure === request.procedure)?.required ?? approvalsByDefault
  // Nobody approves what they ask for; somebody else's approval of the same plan may be there as well.
  const stored = await storedApprovals(setup, hash, world.clock.now())
  const approvals = stored.filter(({ approver }) => approver !== call.peer.subject)
  await openRun({
    clock: world.clock,
    store,
    verifier,
    run,
    plan,
    planHash: hash,
    requestedBy: call.peer.subject,
    authorization: { kind: 'approvals', required, approvals: approvals.slice(0, Math.max(required, 1)) },
  })
  world.log.info('run-opened', { run, procedure: plan.procedure, requestedBy: call.peer.subject })
  return { run }
}

/** Unused approvals of exactly this plan, valid ones first, in the order of their keys. Each is judged when the run opens. */
async function storedApprovals(
  setup: ControlPlaneSetup,
  hash: string,
  nowMs: number,
): Promise<readonly Approval[]> {
  const keys = storeKeys(setup.estate.id)
  const entries = await setup.store.list(keys.approvals(hash))
  const approvals = entries.map(({ value }) => JSON.parse(value) as Approval)
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

function factsChanged(request: OpenRunRequest, hash: string): RecoveryError {
  return new RecoveryError({
    code: 'PLAN_CHANGED',
    class: 'refused',
    message: `the plan that was approved has the hash ${request.planHash.slice(0, 12)}, from the facts of now it is ${hash.slice(0, 12)}: its approval lapsed`,
    hint: `look at the difference with \`pointzero plan ${request.procedure}\`, then \`pointzero approve ${hash}\``,
    context: { planHash: hash, procedure: request.procedure },
  })
}
