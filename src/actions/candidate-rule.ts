import { compareLsn, lsnMax, lsnZero, type Lsn } from '../domain/lsn.ts'
import type { MemberObservation } from '../ports/database-member.ts'

export interface Candidate {
  readonly member: string
  readonly observation: MemberObservation
}

export interface Ranking {
  /** Best first. */
  readonly eligible: readonly Candidate[]
  readonly refused: readonly { readonly member: string; readonly reason: string }[]
}

/**
 * The promotion rule: among members that are detached (they can acknowledge to nobody any more) the highest
 * (timeline, max(received, replayed)); ties in the order given. Pure.
 */
export function rankCandidates(candidates: readonly Candidate[], systemIdentifier: string): Ranking {
  const judged = candidates.map((candidate) => ({
    candidate,
    reason: ineligible(candidate.observation, systemIdentifier),
  }))
  const eligible = judged.filter(({ reason }) => reason === '').map(({ candidate }) => candidate)
  const refused = judged
    .filter(({ reason }) => reason !== '')
    .map(({ candidate, reason }) => ({ member: candidate.member, reason }))
  const ordered = eligible
    .map((candidate, index) => ({ candidate, index }))
    .sort((a, b) => compareDurable(b.candidate.observation, a.candidate.observation) || a.index - b.index)
  return { eligible: ordered.map(({ candidate }) => candidate), refused }
}

/** The newest WAL position that this member holds. */
export function durableLsn(observation: MemberObservation): Lsn {
  return lsnMax(observation.receivedLsn ?? lsnZero, observation.replayedLsn ?? lsnZero)
}

function compareDurable(left: MemberObservation, right: MemberObservation): number {
  const byTimeline = (left.timeline ?? 0) - (right.timeline ?? 0)
  return byTimeline === 0 ? compareLsn(durableLsn(left), durableLsn(right)) : byTimeline
}

function ineligible(seen: MemberObservation, systemIdentifier: string): string {
  if (seen.role !== 'standby') return `role is ${seen.role}`
  if (seen.systemIdentifier !== systemIdentifier) return 'another system identifier'
  if (seen.upstream !== '' || seen.receiving !== false) return 'not detached'
  if (seen.receivedLsn === undefined && seen.endOfWal !== true)
    return 'has not replayed yet all that it holds'
  if (durableLsn(seen) === lsnZero) return 'holds no position'
  return ''
}
