import type { Json } from '../domain/canonical-json.ts'
import type { HeldPosition } from '../domain/leader-record.ts'
import { compareLsn } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Look, ActionArgs } from '../engine/action.ts'
import { clusterNamed, hostNamed, memberNamed } from '../estate/estate-lookup.ts'
import type { PostgresComponent } from '../estate/estate.ts'
import { numberArg, textArg, textsArg } from './agent-context.ts'
import { durableLsn, rankCandidates, type Candidate, type Ranking } from './candidate-rule.ts'
import type { ControlContext } from './control-context.ts'
import { readLeader } from './leader-store.ts'

/**
 * Applies the promotion rule to fresh readings. Needs as many detached members as the revocation demands; the choice is journaled as
 * this step's output and every later step takes it from there, so a resumed run does not choose again.
 */
export const candidateChoose: Look<ControlContext> = {
  name: 'candidate.choose',
  version: 1,
  async observe(context, args) {
    const cluster = clusterNamed(context.estate, textArg(args, 'component'))
    const { record } = await readLeader(context.store, context.estate.id, cluster.id)
    const candidates = await freshReadings(context, cluster, textsArg(args, 'members'))
    const ranking = rankCandidates(candidates, record?.systemIdentifier ?? '')
    const { eligible, refused } = withoutStale(ranking, record?.holds)
    const best = eligible[0]
    // Who holds too little to be promoted still counts as revoked.
    if (best === undefined || ranking.eligible.length < numberArg(args, 'needed')) {
      return { satisfied: false, seen: { eligible: eligible.map(({ member }) => member), refused } }
    }
    const names = acknowledging(cluster, eligible, args)
    if (names.length < numberArg(args, 'count'))
      return { satisfied: false, seen: { candidate: best.member, names, refused } }
    const holds = { timeline: best.observation.timeline ?? 0, lsn: durableLsn(best.observation) }
    const output = { ...describe(context, cluster, best), others: names, holds }
    const proof = { ranking: eligible.map(rankEntry), refused }
    return { satisfied: true, proof, output }
  },
}

/**
 * Two failures in a row: the standbys that were published for the leader may not hold yet what it was promoted with. Its successor must, or
 * writes that were acknowledged before it led would be lost.
 */
function withoutStale({ eligible, refused }: Ranking, holds: HeldPosition | undefined): Ranking {
  if (holds === undefined) return { eligible, refused }
  const isStale = ({ observation }: Candidate): boolean => {
    const timeline = observation.timeline ?? 0
    if (timeline !== holds.timeline) return timeline < holds.timeline
    return compareLsn(durableLsn(observation), holds.lsn) < 0
  }
  const stale = eligible.filter(isStale)
  const reason = `holds less than the leader was promoted with (${holds.lsn} on timeline ${holds.timeline})`
  return {
    eligible: eligible.filter((candidate) => !stale.includes(candidate)),
    refused: [...refused, ...stale.map(({ member }) => ({ member, reason }))],
  }
}

/**
 * Labels that the chosen one is to wait for: the other detached ones, and whoever the plan named beside them when those are fewer than a
 * commit needs. A rule that nobody can meet must not be claimed, because after the claim there is no way back.
 */
function acknowledging(
  cluster: PostgresComponent,
  [best, ...others]: readonly Candidate[],
  args: ActionArgs,
): readonly string[] {
  const detached = others.map(({ member }) => memberNamed(cluster, member).name)
  if (detached.length > 0 && detached.length >= numberArg(args, 'count')) return detached
  const chosen = best === undefined ? '' : memberNamed(cluster, best.member).name
  return [...new Set([...detached, ...textsArg(args, 'fallbackSync')])].filter((name) => name !== chosen)
}

function rankEntry(candidate: Candidate): Json {
  return {
    member: candidate.member,
    timeline: candidate.observation.timeline ?? 0,
    lsn: durableLsn(candidate.observation),
  }
}

function describe(
  context: ControlContext,
  cluster: PostgresComponent,
  chosen: Candidate,
): Readonly<Record<string, Json>> {
  const member = memberNamed(cluster, chosen.member)
  const { address } = hostNamed(context.estate, member.host)
  const upstream = { member: member.id, name: member.name, address, port: member.port }
  return {
    member: member.id,
    name: member.name,
    host: member.host,
    address,
    target: { address, port: member.port },
    upstream,
  }
}

async function freshReadings(
  context: ControlContext,
  cluster: PostgresComponent,
  members: readonly string[],
): Promise<Candidate[]> {
  const readings = await Promise.all(members.map(async (id) => freshReading(context, cluster, id)))
  return readings.filter((reading) => reading !== undefined)
}

/** A member that can not be read now is no candidate now; the step is tried again until its time-out. */
async function freshReading(
  context: ControlContext,
  cluster: PostgresComponent,
  id: string,
): Promise<Candidate | undefined> {
  const member = memberNamed(cluster, id)
  try {
    const view = await context.observeHost(member.host)
    const found = view.members.find((candidate) => candidate.member === member.id)
    return found === undefined ? undefined : { member: member.id, observation: found.observation }
  } catch (error) {
    if (error instanceof RecoveryError && error.class !== 'bug') return undefined
    throw error
  }
}
