import type { PrincipalId } from '../domain/id.ts'

/** A signed yes to exactly one plan hash, once. The signature covers the canonical JSON of all other members. */
export interface Approval {
  readonly format: 'pointzero/approval/1'
  readonly estate: string
  readonly planHash: string
  readonly scope: string
  readonly approver: PrincipalId
  /** Wall ms; judged by the control plane's clock only. */
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  /** Random; an approval is used at most once. */
  readonly nonce: string
  readonly reason: string
  readonly signature: string
}

/** Approves in advance what an automatic procedure may do: any plan of this procedure and scope under exactly this policy. */
export interface StandingApproval {
  readonly format: 'pointzero/standing-approval/1'
  readonly estate: string
  readonly procedure: string
  readonly scope: string
  /** SHA-256 of the canonical policy of the component in scope. A changed policy needs a new approval. */
  readonly policyDigest: string
  readonly approver: PrincipalId
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly nonce: string
  readonly signature: string
}

/** Who may do what. Held in the control store, versioned; public keys are raw Ed25519 in base64url. */
export interface Principal {
  readonly id: PrincipalId
  readonly name: string
  readonly publicKey: string
  readonly roles: readonly ('operator' | 'approver' | 'control-plane' | 'auditor')[]
}
