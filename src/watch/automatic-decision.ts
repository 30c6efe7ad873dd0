import type { ClusterFacts } from '../domain/facts.ts'
import { holdsNothing } from '../domain/holds-nothing.ts'
import { revocationsNeeded, type LeaderRecord } from '../domain/leader-record.ts'
import type { PostgresPolicy } from '../estate/estate.ts'
import type { Detection } from './failure-detector.ts'

export interface AutomaticInput {
  readonly policy: PostgresPolicy
  readonly detection: Detection
  readonly leader: LeaderRecord
  readonly facts: ClusterFacts
  /** Labels of the members that should acknowledge when all is well. */
  readonly acknowledging: ReadonlySet<string>
  /** A run is open on the cluster's scope. */
  readonly busy: boolean
  /** Wall ms; compared with recorded switches only. A clock that was set back delays an automatic switch, never allows one. */
  readonly nowMs: number
  /** How long each member has been out of its place, by the deciding process's monotonic clock. */
  readonly displacedMs: ReadonlyMap<string, number>
  /** Why clients are not led to the leader as they should be, '' or absent when they are; and for how long it has been so. */
  readonly misled?: { readonly reason: string; readonly forMs: number }
  /** The last failover away from this leader ended without one. */
  readonly inVain?: boolean
  /** The usual one when absent. */
  readonly patience?: Patience
}

export type AutomaticDecision =
  | { readonly start: 'zone-failover'; readonly reason: string }
  | { readonly start: 'reprotect'; readonly member: string; readonly reason: string }
  | { readonly start: 'nothing'; readonly reason: string }

/** How long what is wrong may still mend by itself before something is done about it. */
export interface Patience {
  /** For a member that is out of its place, and for clients that are led elsewhere. */
  readonly displacedMs: number
  /** For a running standby that may acknowledge but does not receive: it reconnects as soon as it can; rebuilding it comes last. */
  readonly silentStandbyMs: number
}

export const usualPatience: Patience = { displacedMs: 3_000, silentStandbyMs: 30_000 }

/** Whether to act without a person, and how. The plan, its approval and the revocation quorum are judged afterwards. Pure. */
export function decideAutomatic(input: AutomaticInput): AutomaticDecision {
  if (input.busy) return nothing('a run is open')
  if (input.detection.state === 'down') return decideFailover(input)
  if (input.detection.state !== 'up') return nothing(input.detection.reason)
  return decideReprotect(input)
}

function decideFailover(input: AutomaticInput): AutomaticDecision {
  if (input.policy.failover['zone-loss'] !== 'automatic')
    return nothing('the policy leaves zone loss to a person')
  // One that seems to lie ahead was stamped before the clock was set back: it counts.
  const lately = input.leader.switchesMs.filter((atMs) => input.nowMs - atMs <= input.policy.flapWindowMs)
  if (lately.length >= input.policy.flapMax) {
    return nothing(
      `flap guard: ${lately.length} switches within ${input.policy.flapWindowMs} ms, a person decides now`,
    )
  }
  const personal = forPersonOnly(input)
  if (nobodyHoldsData(input))
    return nothing(
      'no member that answers has its data: a person brings them back with `pointzero plan component-restore`',
    )
  const reopened = reopen(input, personal !== '')
  if (reopened !== undefined) return reopened
  return personal === '' ? { start: 'zone-failover', reason: input.detection.reason } : nothing(personal)
}

/** Nothing could be promoted or started, and trying it would keep whoever restores the data from doing so. */
function nobodyHoldsData({ facts }: AutomaticInput): boolean {
  const answering = facts.members.filter(({ reachable }) => reachable)
  return answering.length > 0 && answering.every(holdsNothing)
}

/** What a failover would take from clients without anybody having accepted it; '' when nothing. The procedure refuses it too. */
function forPersonOnly({ policy, leader, facts }: AutomaticInput): string {
  const how = (parameter: string): string =>
    `a person accepts it with \`pointzero plan zone-failover --param ${parameter}\``
  if (policy.synchronousCount === 0 && leader.publishedCount === 0)
    return `replication is asynchronous, a failover would lose what was not sent yet: ${how('accept-loss=yes')}`
  if (facts.members.length === 2)
    return `a failover would leave a single copy: ${how('single-copy=accepted')}`
  return ''
}

/**
 * Too few standbys answer for a revocation, or nobody may take over without a person, but the leader's own host answers: it holds everything
 * that was acknowledged, so it leads again where it is.
 */
function reopen(input: AutomaticInput, isPersonal: boolean): AutomaticDecision | undefined {
  const { leader, facts } = input
  const home = facts.members.find(({ member }) => member === leader.member)
  if (home === undefined || !home.reachable || (home.role !== 'stopped' && home.role !== 'standby'))
    return undefined
  if (holdsNothing(home)) return undefined
  const answering = facts.members.filter(
    (seen) =>
      seen.member !== leader.member &&
      seen.reachable &&
      !holdsNothing(seen) &&
      leader.publishedSync.includes(seen.name),
  )
  const needed = revocationsNeeded(leader.publishedSync.length, leader.publishedCount)
  if (input.inVain !== true && !isPersonal && needed > 0 && answering.length >= needed) return undefined
  return {
    start: 'reprotect',
    member: home.name,
    reason: `${home.name} leads and is ${home.role}; nobody can take over`,
  }
}

function decideReprotect(input: AutomaticInput): AutomaticDecision {
  const { patience = usualPatience } = input
  const primary = input.facts.members.find(({ member }) => member === input.leader.member)
  if (primary === undefined || !primary.reachable) return nothing('the primary is not seen well')
  if (primary.role === 'standby' && (input.displacedMs.get(primary.member) ?? 0) >= patience.displacedMs)
    return {
      start: 'reprotect',
      member: primary.name,
      reason: `${primary.name} leads, but runs as a standby`,
    }
  if (primary.role !== 'primary') return nothing('the primary is not seen well')
  // While enough can acknowledge, clients come first; else a standby does, without which no client would be served.
  const confirms = canConfirm(input)
  const lead = leadClients(input, primary.name)
  if (lead !== undefined && confirms) return lead
  for (const member of input.facts.members) {
    if (
      member.member === input.leader.member ||
      !member.reachable ||
      member.role === 'unknown' ||
      member.role === 'starting'
    )
      continue
    const displacedMs = input.displacedMs.get(member.member) ?? 0
    const named = member.role === 'standby' && input.leader.publishedSync.includes(member.name)
    if (
      displaced(input, member.member) &&
      displacedMs >= (named ? patience.silentStandbyMs : patience.displacedMs)
    ) {
      return {
        start: 'reprotect',
        member: member.name,
        reason: `${member.name} is reachable but out of its place`,
      }
    }
  }
  if (lead !== undefined && !confirms && input.leader.publishedSync.length > 0)
    return nothing(
      `${lead.reason}; too few standbys confirm, so nobody would be served: a standby comes first`,
    )
  return lead ?? nothing('everybody is in place')
}

/** As many standbys receive as a commit waits for, whatever captures do. */
function canConfirm({ facts, leader }: AutomaticInput): boolean {
  const named = facts.members.filter(({ name }) => leader.publishedSync.includes(name))
  const captures = leader.publishedSync.length - named.length
  const receiving = named.filter((member) => member.receiving).length
  return receiving >= Math.max(leader.publishedCount - captures, 1)
}

function leadClients(input: AutomaticInput, member: string): AutomaticDecision | undefined {
  const { misled, patience = usualPatience } = input
  if (misled === undefined || misled.reason === '' || misled.forMs < patience.displacedMs) return undefined
  return { start: 'reprotect', member, reason: misled.reason }
}

/** Out of place: it does not receive, or may not acknowledge although it does. */
export function displaced(
  input: Pick<AutomaticInput, 'facts' | 'leader' | 'acknowledging'>,
  member: string,
): boolean {
  const seen = input.facts.members.find((candidate) => candidate.member === member)
  if (seen === undefined || !seen.reachable) return false
  if (member === input.leader.member) return seen.role === 'standby'
  const unnamed = input.acknowledging.has(seen.name) && !input.leader.publishedSync.includes(seen.name)
  return !seen.receiving || unnamed
}

function nothing(reason: string): AutomaticDecision {
  return { start: 'nothing', reason }
}
