import type { MemberRole } from '../domain/member-role.ts'

export interface FenceFacts {
  readonly role: MemberRole
  /** This agent's monotonic clock. */
  readonly nowMs: number
  /** When the newest answered heartbeat was *sent*: an answer proves nothing about later. */
  readonly renewedMs: number
  /** When the newest acknowledged canary write was *begun*. */
  readonly acknowledgedMs: number
  readonly fenceMs: number
  /** The policy asks for acknowledging standbys: only then can anybody be promoted without a person. */
  readonly replaceable: boolean
  /** The control plane named another leader. */
  readonly superseded: boolean
}

export type FenceDecision =
  | { readonly fence: false }
  | { readonly fence: true; readonly reason: 'superseded' | 'isolated' }

/**
 * A primary stops itself when another leads, or when for `fenceMs` it could neither renew nor see a named standby acknowledge. As
 * long as a commit is acknowledged, the revocation is incomplete and nobody can have been promoted, also where captures are among the names: they
 * and the members that are not revoked are fewer than a commit waits for. Losing the control plane alone stops nothing. The rule bounds stale reads; confirmed writes are protected by the acknowledgement quorum itself.
 */
export function decideFence(facts: FenceFacts): FenceDecision {
  if (facts.role !== 'primary') return { fence: false }
  if (facts.superseded) return { fence: true, reason: 'superseded' }
  if (!facts.replaceable) return { fence: false }
  const quietMs = facts.nowMs - Math.max(facts.renewedMs, facts.acknowledgedMs)
  return quietMs > facts.fenceMs ? { fence: true, reason: 'isolated' } : { fence: false }
}
