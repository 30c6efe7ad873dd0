import type { Plan, Step } from '../domain/plan.ts'
import type { PostgresMember } from '../estate/estate.ts'
import {
  clusterParameter,
  compile,
  leaderOf,
  memberFacts,
  othersThan,
  refusal,
  requireNoBypass,
  sceneOf,
  targetOf,
  upstreamOf,
  type ClusterScene,
} from './parts/cluster-facts.ts'
import { drain, drainedIds } from './parts/drain-steps.ts'
import { droppedCaptures } from './parts/dropped-captures.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { acknowledgingNames, memberNamed } from '../estate/estate-lookup.ts'
import { publishedMembers } from '../estate/published-rule.ts'
import { serviceSteps } from './parts/service-steps.ts'
import { from, step } from './parts/step-form.ts'
import { takeOverSteps } from './parts/take-over-steps.ts'

/**
 * The primary moves on purpose and nothing is lost: clients are held back, the old primary ends cleanly after every standby received
 * everything, the new one is promoted only when it holds the shutdown checkpoint, and the old one comes back as a standby.
 */
export const switchover: Procedure = {
  name: 'switchover',
  version: 1,
  scenario: 'none',
  summary: 'move the primary to another member, planned and lossless',
  parameters: [
    clusterParameter,
    {
      name: 'to',
      required: false,
      meaning: 'member that becomes primary; the first healthy standby when absent',
    },
  ],
  plan(request: PlanRequest): Plan {
    const scene = sceneOf(request)
    const old = leaderOf(scene)
    requireNoBypass(scene)
    const next = destination(scene, old, request.parameters['to'])
    const ready = 'acknowledge'
    return compile(this, request, scene, [
      ...drain(scene, old),
      ...demote(scene, old, next),
      ...takeOver(scene, old, next),
      ...serviceSteps(scene, { host: next.host, target: targetOf(scene, next), ready }),
    ])
  },
}

function destination(scene: ClusterScene, old: PostgresMember, wanted: string | undefined): PostgresMember {
  requireHealthyPrimary(scene, old)
  const standbys = othersThan(scene, old)
  const next =
    wanted === undefined
      ? standbys.find((member) => unfit(scene, member) === '')
      : memberNamed(scene.cluster, wanted)
  if (next === undefined)
    throw refusal(
      'NO_HEALTHY_STANDBY',
      `no standby of ${scene.cluster.name} can take over`,
      'see why with `pointzero status`',
    )
  const reason = next.id === old.id ? 'it leads already' : unfit(scene, next)
  if (reason !== '')
    throw refusal(
      'STANDBY_UNFIT',
      `${next.name} can not take over: ${reason}`,
      'see `pointzero status`, or name another with `--param to=`',
    )
  return next
}

function requireHealthyPrimary(scene: ClusterScene, old: PostgresMember): void {
  const seen = memberFacts(scene, old.id)
  if (seen.reachable && seen.role === 'primary') return
  throw refusal(
    'PRIMARY_NOT_HEALTHY',
    `${old.name} leads but is ${seen.reachable ? seen.role : 'unreachable'}: a switchover needs both sides`,
    'run `pointzero plan zone-failover`',
  )
}

function unfit(scene: ClusterScene, member: PostgresMember): string {
  const seen = memberFacts(scene, member.id)
  if (!seen.reachable) return 'its agent does not answer'
  if (seen.role !== 'standby') return `its role is ${seen.role}`
  if (!seen.receiving) return 'it does not receive from the primary'
  if (!scene.facts.publishedSync.includes(member.name)) return 'it is not among the standbys that acknowledge'
  return seen.systemIdentifier === scene.facts.systemIdentifier ? '' : 'another system identifier'
}

function demote(scene: ClusterScene, old: PostgresMember, next: PostgresMember): readonly Step[] {
  const drained = drainedIds(drain(scene, old))
  const component = scene.cluster.id
  return [
    step({
      id: 'stop-clean',
      action: 'postgres.stop-clean',
      on: old.host,
      args: { component, member: old.id },
      after: drained,
      proves: `${old.name} ended cleanly; its last LSN is known`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 60_000,
      undo: { action: 'postgres.reopen', args: { component, member: old.id } },
    }),
    step({
      id: 'reached',
      action: 'member.reached',
      on: 'control',
      args: {
        component,
        member: next.id,
        lsn: from('stop-clean', 'shutdownLsn'),
        timeline: from('stop-clean', 'timeline'),
      },
      after: ['stop-clean'],
      proves: `${next.name} holds everything that ${old.name} ever wrote`,
      phase: 'decide',
      timeoutMs: 20_000,
    }),
  ]
}

/** With fewer names than acknowledgements the new primary could confirm nothing, after there is no way back. */
function requireEnoughNames(next: PostgresMember, names: readonly string[], count: number): void {
  if (names.length >= count) return
  throw refusal(
    'TOO_FEW_STANDBYS',
    `a commit on ${next.name} would wait for ${count} standbys, and ${names.length} could acknowledge: ${names.join(', ')}`,
    'bring another standby back with `pointzero run reprotect --param member=` first',
  )
}

function takeOver(scene: ClusterScene, old: PostgresMember, next: PostgresMember): readonly Step[] {
  const component = scene.cluster.id
  const followers = othersThan(scene, old).filter(({ id }) => id !== next.id)
  const answering = followers.filter(({ id }) => memberFacts(scene, id).reachable)
  const named = acknowledgingNames(scene.cluster)
  const names = [...answering, old]
    .map(({ name }) => name)
    .filter((name) => named.has(name))
    .sort()
  const published = publishedMembers(scene.cluster, scene.facts)
  const count = Math.max(published.count, scene.cluster.policy.synchronousCount)
  requireEnoughNames(next, names, count)
  const upstream = upstreamOf(scene, next)
  const accepts = droppedCaptures(scene)
  const claim = step({
    id: 'claim',
    action: 'leader.claim',
    on: 'control',
    args: {
      component,
      member: next.id,
      from: old.id,
      systemIdentifier: scene.facts.systemIdentifier,
      publishedSync: names,
      publishedCount: count,
      holds: { timeline: from('stop-clean', 'timeline'), lsn: from('stop-clean', 'shutdownLsn') },
      ...(accepts.length > 0 ? { accepts } : {}),
    },
    after: ['reached'],
    proves: `the leader record names ${next.name} under this run's epoch`,
    effect: 'point-of-no-return',
    phase: 'execute',
    attempts: 10,
  })
  const rejoin = step({
    id: `rejoin-${old.name}`,
    action: 'postgres.rejoin',
    on: old.host,
    args: { component, member: old.id, upstream },
    after: ['promote'],
    proves: `${old.name} streams from ${next.name} as a standby`,
    effect: 'reversible',
    phase: 'verify',
    timeoutMs: 120_000,
    attempts: 5,
    waitMs: 500,
  })
  return [
    claim,
    ...takeOverSteps(scene, { member: next.id, host: next.host, upstream, names, count, followers }),
    rejoin,
  ]
}
