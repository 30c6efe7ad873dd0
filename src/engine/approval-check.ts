import { RecoveryError } from '../domain/recovery-error.ts'
import type { SignatureVerifier } from '../ports/signer.ts'
import { approvalPayload } from './approval-signature.ts'
import type { Approval, Principal, StandingApproval } from './approval.ts'

/** What approvals are judged against: all of it pinned by the control plane, none of it read from the approval. */
export interface ApprovalGround {
  readonly estate: string
  readonly scope: string
  readonly requestedBy: string
  /** As they are now: a role that was taken away since signing counts no more. */
  readonly principals: readonly Principal[]
  /** The control plane's wall clock. */
  readonly nowMs: number
  readonly verifier: SignatureVerifier
}

/** The approver's clock may be ahead of ours by this much. */
const clockSkewMs = 60_000

/** Fails unless `required` different people approved exactly this plan, and each could. */
export function checkApprovals(
  approvals: readonly Approval[],
  required: number,
  planHash: string,
  ground: ApprovalGround,
): void {
  for (const approval of approvals) checkApproval(approval, planHash, ground)
  const approvers = new Set(approvals.map(({ approver }) => approver))
  if (approvers.size !== approvals.length) {
    throw refusal(
      'APPROVAL_REPEATED',
      'one person approved more than once',
      'each approval comes from another person',
    )
  }
  if (approvers.size >= required) return
  const message = `${approvers.size} of ${required} approvals for plan ${planHash.slice(0, 12)}`
  throw refusal('APPROVAL_MISSING', message, `ask an approver for \`pointzero approve ${planHash}\``)
}

export function checkApproval(approval: Approval, planHash: string, ground: ApprovalGround): void {
  checkSigned(approval, ground)
  if (approval.planHash === planHash) return
  const message = `it approves plan ${approval.planHash.slice(0, 12)}, not ${planHash.slice(0, 12)}`
  throw refusal('APPROVAL_OTHER_PLAN', message, `a fact changed since: \`pointzero approve ${planHash}\``)
}

/** An approval given in advance, for any plan of one procedure and scope under exactly one policy. */
export function checkStandingApproval(
  approval: StandingApproval,
  procedure: string,
  policyDigest: string,
  ground: ApprovalGround,
): void {
  checkSigned(approval, ground)
  if (approval.procedure !== procedure) {
    const message = `the standing approval is for ${approval.procedure}, not for ${procedure}`
    throw refusal('APPROVAL_OTHER_PROCEDURE', message, `\`pointzero approve --standing ${procedure}\``)
  }
  if (approval.policyDigest === policyDigest) return
  const message = `the policy of ${approval.scope} changed since its standing approval`
  throw refusal(
    'APPROVAL_OTHER_POLICY',
    message,
    `read the change, then \`pointzero approve --standing ${procedure}\``,
  )
}

/** The signature first: nothing else in it means anything before. */
function checkSigned(approval: Approval | StandingApproval, ground: ApprovalGround): void {
  const { approver } = approval
  const principal = ground.principals.find(({ id }) => id === approver)
  if (principal === undefined) {
    throw refusal(
      'APPROVAL_UNKNOWN_APPROVER',
      `${approver} is nobody here`,
      'add the person with `pointzero principal add`',
    )
  }
  if (!ground.verifier.verify(principal.publicKey, approvalPayload(approval), approval.signature)) {
    const message = `the signature is not one of ${principal.name} (${approver}) over this approval`
    throw refusal(
      'APPROVAL_BAD_SIGNATURE',
      message,
      'approve again with the key that is registered; ask who sent this one',
    )
  }
  if (!principal.roles.includes('approver')) {
    const message = `${principal.name} (${approver}) may not approve now`
    throw refusal('APPROVAL_NOT_APPROVER', message, 'ask somebody with the role approver')
  }
  if (approver === ground.requestedBy) {
    const message = `${principal.name} (${approver}) asked for this run and can not approve it`
    throw refusal('APPROVAL_BY_REQUESTER', message, 'ask a second person')
  }
  checkPlaceAndTime(approval, ground)
}

function checkPlaceAndTime(approval: Approval | StandingApproval, ground: ApprovalGround): void {
  if (approval.estate !== ground.estate) {
    throw refusal(
      'APPROVAL_OTHER_ESTATE',
      `it is for estate ${approval.estate}`,
      `approve in estate ${ground.estate}`,
    )
  }
  if (approval.scope !== ground.scope) {
    throw refusal('APPROVAL_OTHER_SCOPE', `it is for ${approval.scope}`, `approve for ${ground.scope}`)
  }
  if (ground.nowMs >= approval.expiresAtMs) {
    throw refusal('APPROVAL_EXPIRED', 'it has expired', 'approve again; give it longer with `--expires`')
  }
  if (ground.nowMs >= approval.issuedAtMs - clockSkewMs) return
  throw refusal(
    'APPROVAL_NOT_YET',
    'it was issued in the future',
    "set the approver's clock, then approve again",
  )
}

function refusal(code: string, message: string, hint: string): RecoveryError {
  return new RecoveryError({ code, class: 'refused', message: `not approved: ${message}`, hint })
}
