import type { Plan, Step } from '../domain/plan.ts'
import { hostNamed, scopeOf } from '../estate/estate-lookup.ts'
import type { PostgresMember } from '../estate/estate.ts'
import {
  clusterParameter,
  compile,
  leaderOf,
  memberFacts,
  othersThan,
  requireNoBypass,
  sceneOf,
  type ClusterScene,
  upstreamOf,
} from './parts/cluster-facts.ts'
import { droppedCaptures } from './parts/dropped-captures.ts'
import { wayOf, type FailoverWay } from './parts/failover-ways.ts'
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
  isAutomatic: true,
  parameters: [
    clusterParameter,
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
    {
      name: 'old-primary',
      required: false,
      meaning:
        '`attested-dead`: under an asynchronous policy, go on although nothing can stop the old primary',
    },
  ],
  plan(request: PlanRequest): Plan {
    const scene = sceneOf(request)
    const old = leaderOf(scene)
    if (request.parameters['accept-loss'] !== 'yes') requireNoBypass(scene)
    const way = wayOf(scene, old, request.parameters)
    const { candidates, names, count } = way
    return compile(this, request, scene, [
      ...candidates.map((member) => detach(scene, member, old)),
      choose(scene, way),
      fenceOld(scene, old, way),
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

/**
 * Only when the revocation succeeded, because an attempt that can not go on must leave a primary that lives, and that clients may still reach,
 * as it was. Best effort and off the critical path where the quorum is the fence: it spares readers a stale primary. Without a
 * quorum it is the fence itself.
 */
function fenceOld(scene: ClusterScene, old: PostgresMember, { isFenceNeeded }: FailoverWay): Step {
  const args = { component: scene.cluster.id, member: old.id }
  return step({
    id: `fence-${old.name}`,
    action: 'postgres.fence',
    on: old.host,
    args,
    after: ['choose'],
    proves: `no process of ${old.name} remains`,
    effect: 'reversible',
    phase: 'execute',
    ...(isFenceNeeded
      ? { attempts: 5, timeoutMs: 30_000, undo: { action: 'postgres.reopen', args } }
      : { optional: true, attempts: 1, timeoutMs: 1_000 }),
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

function choose(scene: ClusterScene, { candidates, needed, count, fallbackSync }: FailoverWay): Step {
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

function claim(scene: ClusterScene, old: PostgresMember, way: FailoverWay): Step {
  const { names, count, singleCopy, isFenceNeeded } = way
  const accepts = [...way.accepts, ...droppedCaptures(scene)]
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
    after: isFenceNeeded ? ['choose', `fence-${old.name}`] : ['choose'],
    proves: `the leader record of ${scopeOf(scene.cluster)} names the chosen member under this run's epoch`,
    effect: 'point-of-no-return',
    phase: 'execute',
    attempts: 10,
  })
}
