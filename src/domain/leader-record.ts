import type { MemberId } from './id.ts'
import type { Lsn } from './lsn.ts'

/** As many automatic switches are remembered as a policy may allow at most: with fewer, its flap guard would never be reached. */
export const switchesMax = 100

/**
 * Who leads a cluster and whose acknowledgement may count. Published in the control store *before* it takes effect on the
 * primary, so that the set known here always covers every set that can have acknowledged a commit.
 */
export interface LeaderRecord {
  readonly member: MemberId
  /** Epoch of the cluster's scope under which it was claimed. */
  readonly epoch: number
  readonly systemIdentifier: string
  /** Labels of the standbys that may acknowledge, and of the capture that may: only standbys are revoked and promoted. */
  readonly publishedSync: readonly string[]
  /** How many of them a commit waits for. */
  readonly publishedCount: number
  /** Wall ms of the latest automatic switches, newest last: the flap guard reads it. */
  readonly switchesMs: readonly number[]
  /**
   * What the leader held when it was chosen: everything acknowledged until then lies at or before it. Whoever may acknowledge from now on need not
   * hold it yet, so nobody with less is ever promoted, whoever was revoked.
   */
  readonly holds?: HeldPosition
  /** Commits wait for nobody although the policy says otherwise, because people accepted that; gone once one waits for somebody again. */
  readonly singleCopy?: SingleCopy
}

export interface SingleCopy {
  /** Who approved the plan; who asked for it where nobody had to. */
  readonly acceptedBy: readonly string[]
  /** Wall ms of the claim. */
  readonly atMs: number
}

export interface HeldPosition {
  readonly timeline: number
  readonly lsn: Lsn
}

/**
 * Standbys that must be revoked so that no set of `count` acknowledging ones is left among `named`, and so that one of them holds every
 * commit that was acknowledged: R + W > N (R revoked, W acknowledgements a commit needs, N named, captures included).
 */
export function revocationsNeeded(named: number, count: number): number {
  return Math.max(named - count + 1, 0)
}
