import type { Step } from '../../domain/plan.ts'
import { withCaptures } from '../../domain/synchronous-rule.ts'
import type { SynchronousRule } from '../../domain/synchronous-rule.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import { publishedCaptures, publishedMembers } from '../../estate/published-rule.ts'
import { droppedCaptures } from './dropped-captures.ts'
import { memberFacts, othersThan, refusal, targetOf, upstreamOf, type ClusterScene } from './cluster-facts.ts'
import { publishStep } from './rule-steps.ts'
import { serviceSteps } from './service-steps.ts'
import { step } from './step-form.ts'
import { takeOverSteps } from './take-over-steps.ts'
import { acceptWrites } from './write-refusal-steps.ts'

/**
 * The leader of the record leads again where it is: nobody else can have been promoted, because the record names it, and it holds all that
 * was ever acknowledged. It starts as a standby, opens with its published rule loaded, and clients come only after an acknowledged
 * canary (restart hole). On a leader that runs well this only leads clients to it again.
 */
export function reopenSteps(scene: ClusterScene, leader: PostgresMember): readonly Step[] {
  const seen = memberFacts(scene, leader.id)
  if (!seen.reachable || seen.role === 'unknown' || seen.role === 'starting')
    throw refusal(
      'PRIMARY_NOT_HEALTHY',
      `${leader.name} leads but is ${seen.reachable ? seen.role : 'unreachable'}`,
      'run `pointzero plan zone-failover`',
    )
  const { host } = leader
  const accepting = acceptWrites(scene, leader)
  const args = { component: scene.cluster.id, member: leader.id }
  const { publishedSync, publishedCount, systemIdentifier } = scene.facts
  const runs = seen.role === 'primary'
  const dropped = runs ? [] : droppedCaptures(scene)
  const { names, count } = openingRule(scene, runs)
  const claim = step({
    id: 'claim',
    action: 'leader.claim',
    on: 'control',
    args: { ...args, from: leader.id, systemIdentifier, publishedSync, publishedCount },
    after: runs ? accepting.map(({ id }) => id) : ['detach'],
    proves: `the leader record names ${leader.name}`,
    effect: 'reversible',
    phase: 'execute',
    attempts: 10,
  })
  const start = [
    step({
      id: 'start',
      action: 'postgres.start',
      on: host,
      args,
      proves: `${leader.name} runs, as a standby`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 60_000,
    }),
    step({
      id: 'detach',
      action: 'postgres.detach',
      on: host,
      args,
      after: ['start'],
      proves: `${leader.name} follows nobody`,
      effect: 'reversible',
      phase: 'execute',
    }),
  ]
  const published =
    dropped.length > 0 ? publishedMembers(scene.cluster, scene.facts) : { count: publishedCount }
  const followers = othersThan(scene, leader).filter(({ name }) => names.includes(name))
  const successor = { member: leader.id, host, upstream: upstreamOf(scene, leader), names, count, followers }
  return [
    ...(runs ? accepting : start),
    claim,
    ...(dropped.length === 0 ? [] : [publishMembers(scene, leader, dropped)]),
    ...takeOverSteps(scene, successor).map((one) => {
      if (one.id === 'set-sync' && dropped.length > 0) return { ...one, after: ['publish'] }
      return one.id.startsWith('follow-') ? { ...one, optional: true } : one
    }),
    // A run that ended half-way left a record that promises fewer acknowledgements than a commit waits for: safe, but it forbids a failover.
    ...(count === published.count
      ? []
      : [publishStep(scene, leader, { names, count }, { id: 'publish-loaded', after: ['set-sync'] })]),
    ...serviceSteps(scene, { host, target: targetOf(scene, leader), ready: 'acknowledge' }),
  ]
}

/** On a primary that runs a capture goes on acknowledging; one that is opened waits for its members alone. */
function openingRule(scene: ClusterScene, runs: boolean): SynchronousRule {
  const members = publishedMembers(scene.cluster, scene.facts)
  const wanted = scene.cluster.policy.synchronousCount
  const count = members.names.length === 0 ? 0 : Math.max(members.count, wanted)
  return withCaptures(
    { names: members.names, count },
    runs ? publishedCaptures(scene.cluster, scene.facts) : [],
  )
}

/** Nothing that reads the record may believe that an archive holds what the opened primary no longer waits for. */
function publishMembers(scene: ClusterScene, leader: PostgresMember, accepts: readonly string[]): Step {
  const members = publishedMembers(scene.cluster, scene.facts)
  return {
    ...publishStep(scene, leader, members, { id: 'publish', after: ['claim'], accepts }),
    proves: 'the record names members only: no commit is said to wait for the archive',
  }
}
