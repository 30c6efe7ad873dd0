import type { Step } from '../../domain/plan.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import { memberFacts, othersThan, refusal, upstreamOf, type ClusterScene } from './cluster-facts.ts'
import { from, step } from './step-form.ts'
import { takeOverSteps } from './take-over-steps.ts'

/** What a commit on it waits for: published by the claim, loaded before it opens. */
export interface RecoveredRule {
  readonly names: readonly string[]
  readonly count: number
}

/**
 * It opens like every new primary. Whatever its standbys hold is another history, so each is rewound or cloned, and as many as a commit waits
 * for do so before the first client comes.
 */
export function recoveredPrimarySteps(
  scene: ClusterScene,
  leader: PostgresMember,
  { names, count }: RecoveredRule,
): readonly Step[] {
  const upstream = upstreamOf(scene, leader)
  const rejoins = othersThan(scene, leader).map((member) => rejoin(scene, member, upstream))
  const named = rejoins.filter(
    ({ id, optional }) => optional !== true && names.includes(id.slice('rejoin-'.length)),
  )
  if (named.length < count)
    throw refusal(
      'TOO_FEW_STANDBYS',
      `a commit on ${leader.name} waits for ${count} standbys, and ${named.length} of those that may acknowledge answer`,
      'bring another standby back with `pointzero run reprotect --param member=` first',
    )
  const successor = { member: leader.id, host: leader.host, upstream, names, count, followers: [] }
  const opened = takeOverSteps(scene, successor).map((one) => {
    if (one.id === 'set-sync') return { ...one, after: ['start'] }
    if (one.id !== 'acknowledge' || count === 0) return one
    return { ...one, after: named.map(({ id }) => id), quorum: count, retry: { attempts: 5, waitMs: 500 } }
  })
  const isLater = ({ id }: Step): boolean => id === 'acknowledge' || id === 'checkpoint'
  return [...opened.filter((one) => !isLater(one)), ...rejoins, ...opened.filter(isLater)]
}

function rejoin(scene: ClusterScene, member: PostgresMember, upstream: Step['args']): Step {
  const { reachable } = memberFacts(scene, member.id)
  return step({
    id: `rejoin-${member.name}`,
    action: 'postgres.rejoin',
    on: member.host,
    args: {
      component: scene.cluster.id,
      member: member.id,
      upstream,
      timeline: from('promote', 'timeline'),
    },
    after: ['promote'],
    proves: `${member.name} streams the recovered data`,
    effect: 'reversible',
    phase: 'verify',
    optional: !reachable,
    timeoutMs: 24 * 3_600_000,
    attempts: reachable ? 5 : 1,
    waitMs: 500,
  })
}
