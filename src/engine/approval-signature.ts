import { canonicalJson } from '../domain/canonical-json.ts'
import { formats, requireFormat } from '../domain/format.ts'
import { assert } from '../domain/recovery-error.ts'
import type { Signer } from '../ports/signer.ts'
import type { Approval, StandingApproval } from './approval.ts'

type Unsigned<T> = Omit<T, 'format' | 'signature' | 'approver'>

/** What the signature covers: every other member. The format is one of them, so neither kind passes for the other. */
export function approvalPayload(approval: Approval | StandingApproval): Uint8Array {
  const standing = approval.format === formats.standingApproval
  requireFormat(standing ? 'standingApproval' : 'approval', approval.format, 'approval')
  const { signature: _, ...signed } = approval
  return new TextEncoder().encode(canonicalJson(signed))
}

export function signApproval(fields: Unsigned<Approval>, signer: Signer): Approval {
  const unsigned: Approval = {
    format: formats.approval,
    ...fields,
    approver: approverOf(signer),
    signature: '',
  }
  return { ...unsigned, signature: signer.sign(approvalPayload(unsigned)) }
}

export function signStandingApproval(fields: Unsigned<StandingApproval>, signer: Signer): StandingApproval {
  const format = formats.standingApproval
  const unsigned: StandingApproval = { format, ...fields, approver: approverOf(signer), signature: '' }
  return { ...unsigned, signature: signer.sign(approvalPayload(unsigned)) }
}

function approverOf(signer: Signer): Approval['approver'] {
  assert(signer.principal.startsWith('prn_'), 'an approval is signed by a principal')
  return signer.principal as Approval['approver']
}
