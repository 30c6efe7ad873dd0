import type { Step } from '../../domain/plan.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import type { ClusterScene } from './cluster-facts.ts'
import { step } from './step-form.ts'

interface Rule {
  readonly names: readonly string[]
  readonly count: number
}

/**
 * Changes the synchronous rule of a running primary, and proves it. At every instant the published rule covers the loaded one: all of its
 * names, and no more acknowledgements than it waits for. So what covers both rules is published first, then the new one is loaded, and only then is
 * the new one published where it promises more. A run that ends in between leaves a failover that asks for too much, never for too little.
 */
export function ruleSteps(
  scene: ClusterScene,
  leader: PostgresMember,
  wanted: Rule,
  after: readonly string[],
): readonly Step[] {
  const rule: Rule = wanted.count === 0 ? { names: [], count: 0 } : wanted
  const primary = { component: scene.cluster.id, member: leader.id }
  const covering: Rule = {
    names: [...new Set([...scene.facts.publishedSync, ...rule.names])].sort(),
    count: Math.min(scene.facts.publishedCount, rule.count),
  }
  const publish = (id: string, { names, count }: Rule, earlier: readonly string[]): Step =>
    step({
      id,
      action: 'leader.publish',
      on: 'control',
      args: { ...primary, publishedSync: names, publishedCount: count },
      after: earlier,
      proves: `the record says that ${waitingFor({ names, count })}`,
      effect: 'reversible',
      phase: 'execute',
      attempts: 10,
    })
  const isCovered = covering.count === rule.count && covering.names.length === rule.names.length
  return [
    publish('publish', covering, after),
    step({
      id: 'set-sync',
      action: 'postgres.set-sync',
      on: leader.host,
      args: { ...primary, names: rule.names, count: rule.count },
      after: ['publish'],
      proves: `${leader.name} has loaded that ${waitingFor(rule)}`,
      effect: 'reversible',
      phase: 'execute',
    }),
    ...(isCovered ? [] : [publish('publish-loaded', rule, ['set-sync'])]),
    step({
      id: 'acknowledge',
      action: 'postgres.acknowledge',
      on: leader.host,
      args: { ...primary, timeoutMs: 5_000 },
      after: [isCovered ? 'set-sync' : 'publish-loaded'],
      proves: 'a commit was acknowledged under the published rule',
      phase: 'verify',
      timeoutMs: 10_000,
    }),
  ]
}

function waitingFor({ names, count }: Rule): string {
  return count === 0 ? 'a commit waits for nobody' : `a commit waits for ${count} of ${names.join(', ')}`
}
