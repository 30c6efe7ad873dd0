import type { Json } from '../domain/canonical-json.ts'
import type { Plan, Step } from '../domain/plan.ts'
import type { RecoveryError } from '../domain/recovery-error.ts'
import { revocationsNeeded } from '../domain/leader-record.ts'
import { hostNamed, scopeOf } from '../estate/estate-lookup.ts'
import type { PostgresMember } from '../estate/estate.ts'
import {
  compile,
  leaderOf,
  memberFacts,
  othersThan,
  refusal,
  requireNoBypass,
  sceneOf,
  type ClusterScene,
  upstreamOf,
} from './parts/cluster-facts.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { serviceSteps } from './parts/service-steps.ts'
import { from, step } from './parts/step-form.ts'
import { takeOverSteps } from './parts/take-over-steps.ts'

/**
 * The primary's zone is gone, or its database is: revoke, claim, promote, lead clients over.
 *
 * Revocation comes first because the acknowledgement quorum is the fence: once enough named standbys have stopped receiving, the old
 * primary can confirm nothing, whether it is dead, paused, or alive behind a partition. Only then does the leader record change, by
 * compare-and-swap, and only then is the member promoted that holds the newest WAL.
 */
export const zoneFailover: Procedure = {
  name: 'zone-failover',
  version: 1,
  scenario: 'zone-loss',
  summary: 'promote a standby after the primary or its zone was lost; nothing acknowledged is lost',
  parameters: [
    {
      name: 'cluster',
      required: false,
      meaning: 'the postgres component; needed when there is more than one',
    },
    {
      name: 'accept-loss',
      required: false,
      meaning: '`yes`: go on although RPO 0 is void; needs a named approver',
    },
    {
      name: 'single-copy',
      required: false,
      meaning: '`accepted`: of two members, open the one that is left although nobody holds a second copy',
    },
  ],
  plan(request: PlanRequest): Plan {
    const scene = sceneOf(request)
    const old = leaderOf(scene)
    if (request.parameters['accept-loss'] !== 'yes') requireNoBypass(scene)
    const way = revoking(scene, old, request.parameters)
    const { candidates, names, count } = way
    return compile(this, request, scene, [
      ...candidates.map((member) => detach(scene, member, old)),
      choose(scene, way),
      fenceOld(scene, old),
      claim(scene, old, way),
      ...takeOverSteps(scene, {
        member: from('choose', 'member'),
        host: from('choose', 'host'),
        upstream: from('choose', 'upstream'),
        names,
        count,
        followers: othersThan(scene, old).filter(
          (member) => candidates.includes(member) || memberFacts(scene, member.id).reachable,
        ),
      }),
      ...serviceSteps(scene, {
        host: from('choose', 'host'),
        target: from('choose', 'target'),
        lostZone: hostNamed(scene.estate, old.host).zone,
        ready: 'acknowledge',
      }),
    ])
  },
}

/** Who is revoked and chosen from, and what a commit on the new primary waits for. */
interface Way {
  readonly candidates: readonly PostgresMember[]
  /** So many of them must have detached before one is chosen. */
  readonly needed: number
  readonly names: Json
  readonly count: number
  /** Labels that may acknowledge beside the detached when those are too few. */
  readonly fallbackSync: readonly string[]
  /** What the approver accepts beside the plan itself, in words. */
  readonly accepts: readonly string[]
  readonly singleCopy: boolean
}

function revoking(scene: ClusterScene, old: PostgresMember, parameters: PlanRequest['parameters']): Way {
  const { publishedSync, publishedCount } = scene.facts
  const candidates = othersThan(scene, old).filter(({ name }) => publishedSync.includes(name))
  const needed = revocationsNeeded(publishedSync.length, publishedCount)
  requireEnough(scene, candidates, needed)
  const singleCopy = scene.cluster.members.length === 2
  if (!singleCopy) {
    // The old primary holds everything that was acknowledged; of anybody else beside the published that is not known.
    const rule = { names: from('choose', 'others'), count: publishedCount, fallbackSync: [old.name] }
    return { candidates, needed, ...rule, accepts: [], singleCopy }
  }
  if (parameters['single-copy'] !== 'accepted') throw wouldBeSingle(scene, old)
  const accepts = [
    `commits have one copy until \`pointzero run reprotect --param member=${old.name}\` is done`,
  ]
  return { candidates, needed, names: [], count: 0, fallbackSync: [], accepts, singleCopy }
}

/** Waiting for the member that was just lost, the new primary would confirm nothing, after there is no way back: said before, not after. */
function wouldBeSingle(scene: ClusterScene, old: PostgresMember): RecoveryError {
  const left = othersThan(scene, old).map(({ name }) => name)
  return refusal(
    'SINGLE_COPY',
    `without ${old.name} only ${left.join(', ')} is left of ${scene.cluster.name}: what it confirms would have one copy`,
    `bring ${old.name} back, or accept it: \`pointzero plan zone-failover --param single-copy=accepted\` and an approval`,
  )
}

/** Without enough standbys to revoke, the old primary might still confirm: promoting would risk acknowledged writes. */
function requireEnough(scene: ClusterScene, candidates: readonly PostgresMember[], needed: number): void {
  const answering = candidates.filter((member) => memberFacts(scene, member.id).reachable)
  if (needed > 0 && answering.length >= needed) return
  const silent = candidates.filter((member) => !answering.includes(member)).map(({ name }) => name)
  throw refusal(
    'REVOCATION_IMPOSSIBLE',
    `${needed} of the standbys that may acknowledge (${scene.facts.publishedSync.join(', ')}) must confirm that they stopped; ` +
      `${answering.length} answer${silent.length === 0 ? '' : `, ${silent.join(', ')} do not`}`,
    'bring one of them back, then run `pointzero plan zone-failover` again',
  )
}

/**
 * Best effort and off the critical path: it spares readers a stale primary; safety does not rest on it. Only when the revocation succeeded,
 * because an attempt that can not go on must leave a primary that lives, and that clients may still reach, as it was.
 */
function fenceOld(scene: ClusterScene, old: PostgresMember): Step {
  return step({
    id: `fence-${old.name}`,
    action: 'postgres.fence',
    on: old.host,
    args: { component: scene.cluster.id, member: old.id },
    after: ['choose'],
    proves: `no process of ${old.name} remains`,
    effect: 'reversible',
    phase: 'execute',
    optional: true,
    attempts: 1,
    timeoutMs: 1_000,
  })
}

function detach(scene: ClusterScene, member: PostgresMember, old: PostgresMember): Step {
  return step({
    id: `detach-${member.name}`,
    action: 'postgres.detach',
    on: member.host,
    args: { component: scene.cluster.id, member: member.id },
    proves: `${member.name} receives nothing and has forgotten its upstream on disk`,
    effect: 'reversible',
    phase: 'execute',
    timeoutMs: 3_000,
    attempts: 5,
    undo: {
      action: 'postgres.follow',
      args: { component: scene.cluster.id, member: member.id, upstream: upstreamOf(scene, old) },
    },
  })
}

function choose(scene: ClusterScene, { candidates, needed, count, fallbackSync }: Way): Step {
  return step({
    id: 'choose',
    action: 'candidate.choose',
    on: 'control',
    args: {
      component: scene.cluster.id,
      members: candidates.map(({ id }) => id),
      needed,
      count,
      fallbackSync,
    },
    after: candidates.map(({ name }) => `detach-${name}`),
    quorum: needed,
    proves:
      'the detached member with the highest (timeline, max(received, replayed)) was picked from fresh readings',
    phase: 'decide',
    attempts: 10,
  })
}

function claim(scene: ClusterScene, old: PostgresMember, { names, count, accepts, singleCopy }: Way): Step {
  return step({
    id: 'claim',
    action: 'leader.claim',
    on: 'control',
    args: {
      component: scene.cluster.id,
      member: from('choose', 'member'),
      from: old.id,
      systemIdentifier: scene.facts.systemIdentifier,
      publishedSync: names,
      publishedCount: count,
      holds: from('choose', 'holds'),
      unplanned: true,
      ...(singleCopy ? { singleCopy } : {}),
      ...(accepts.length > 0 ? { accepts } : {}),
    },
    after: ['choose'],
    proves: `the leader record of ${scopeOf(scene.cluster)} names the chosen member under this run's epoch`,
    effect: 'point-of-no-return',
    phase: 'execute',
    attempts: 10,
  })
}
