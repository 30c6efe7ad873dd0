import type { Plan, Step } from '../domain/plan.ts'
import type { PostgresMember } from '../estate/estate.ts'
import { withCaptures } from '../domain/synchronous-rule.ts'
import { acknowledgingNames, memberNamed } from '../estate/estate-lookup.ts'
import { publishedCaptures } from '../estate/published-rule.ts'
import {
  clusterParameter,
  companions,
  compile,
  gatePlaces,
  leaderOf,
  memberFacts,
  refusal,
  sceneOf,
  targetOf,
  upstreamOf,
  type ClusterScene,
} from './parts/cluster-facts.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { reopenSteps } from './parts/reopen-steps.ts'
import { ruleSteps } from './parts/rule-steps.ts'
import { stopStep } from './parts/service-steps.ts'
import { step } from './parts/step-form.ts'

/**
 * A member came back, or lost its place: the leader itself is opened again where it is and clients are led to it; any other rejoins as a standby (unchanged, rewound, or cloned beside the kept directory), and only when
 * it streams may it acknowledge again: published first, loaded second.
 */
export const reprotect: Procedure = {
  name: 'reprotect',
  version: 1,
  scenario: 'component-loss',
  summary: 'bring a returned or broken member back as an acknowledging standby',
  isAutomatic: true,
  parameters: [clusterParameter, { name: 'member', required: true, meaning: 'the member to bring back' }],
  plan(request: PlanRequest): Plan {
    const scene = sceneOf(request)
    const leader = leaderOf(scene)
    const member = memberNamed(scene.cluster, request.parameters['member'] ?? '')
    if (member.id === leader.id) return compile(this, request, scene, reopenSteps(scene, leader))
    requireFit(scene, leader, member)
    return compile(this, request, scene, [...retire(scene, leader, member), ...rejoin(scene, leader, member)])
  },
}

function requireFit(scene: ClusterScene, leader: PostgresMember, member: PostgresMember): void {
  const primary = memberFacts(scene, leader.id)
  if (!primary.reachable || primary.role !== 'primary')
    throw refusal(
      'PRIMARY_NOT_HEALTHY',
      `${leader.name} leads but is ${primary.reachable ? primary.role : 'unreachable'}`,
      'run `pointzero plan zone-failover`',
    )
  const seen = memberFacts(scene, member.id)
  if (!seen.reachable)
    throw refusal(
      'MEMBER_UNREACHABLE',
      `the agent of ${member.name} does not answer`,
      `start \`pointzero agent\` on ${member.host}`,
    )
  const foreign = seen.systemIdentifier !== '' && seen.systemIdentifier !== scene.facts.systemIdentifier
  if (foreign)
    throw refusal(
      'SYSTEM_IDENTIFIER_MISMATCH',
      `${member.name} holds another database system (${seen.systemIdentifier})`,
      `look at ${member.dataDirectory} on ${member.host}; move it aside by hand if it may go`,
    )
}

/** Whatever still runs on the returned host for the old epoch ends first. */
function retire(scene: ClusterScene, leader: PostgresMember, member: PostgresMember): readonly Step[] {
  if (leader.host === member.host) return []
  const stops = companions(scene).flatMap(({ compute, places }) =>
    places
      .filter(({ host, reachable }) => host === member.host && reachable)
      .map(({ host }) => stopStep(compute, host)),
  )
  const routes = gatePlaces(scene, scene.cluster.name)
    .filter(({ host, reachable }) => host === member.host && reachable)
    .map((place) =>
      step({
        id: `route-${place.name}-${place.host}`,
        action: 'gate.route',
        on: place.host,
        args: { component: place.gate, target: targetOf(scene, leader) },
        proves: `${place.name} on ${place.host} leads to ${leader.name}`,
        effect: 'reversible',
        phase: 'traffic',
      }),
    )
  return [...stops, ...routes]
}

function rejoin(scene: ClusterScene, leader: PostgresMember, member: PostgresMember): readonly Step[] {
  const component = scene.cluster.id
  const names = [...new Set([...scene.facts.publishedSync, member.name])]
    .filter((name) => name !== leader.name && acknowledgingNames(scene.cluster).has(name))
    .sort()
  const count = scene.cluster.policy.synchronousCount
  const captures = count === 0 ? [] : publishedCaptures(scene.cluster, scene.facts)
  const rule = withCaptures({ names, count }, captures)
  const primary = { component, member: leader.id }
  return [
    step({
      id: 'checkpoint',
      action: 'postgres.checkpoint',
      on: leader.host,
      args: primary,
      proves: 'the current timeline is in pg_control',
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 60_000,
    }),
    step({
      id: `rejoin-${member.name}`,
      action: 'postgres.rejoin',
      on: member.host,
      args: { component, member: member.id, upstream: upstreamOf(scene, leader) },
      after: ['checkpoint'],
      proves: `${member.name} streams from ${leader.name} on its timeline`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 3_600_000,
      attempts: 5,
      waitMs: 500,
    }),
    ...ruleSteps(scene, leader, rule, [`rejoin-${member.name}`]),
  ]
}
