import type { Step } from '../../domain/plan.ts'
import { coveringRule } from '../../domain/synchronous-rule.ts'
import type { SynchronousRule } from '../../domain/synchronous-rule.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import { captureNames, publishedRule } from '../../estate/published-rule.ts'
import type { ClusterScene } from './cluster-facts.ts'
import { step } from './step-form.ts'

/**
 * Changes the members' part of the synchronous rule of a running primary, and proves it. At every instant the published rule covers the loaded
 * one: all of its members, no more of them than it waits for, and no capture that it does without. So what covers both rules is published
 * first, then the new one is loaded, and only then is the new one published where it promises more. A run that ends in between leaves a
 * failover that asks for too much, never for too little.
 */
export function ruleSteps(
  scene: ClusterScene,
  leader: PostgresMember,
  wanted: SynchronousRule,
  after: readonly string[],
): readonly Step[] {
  const rule: SynchronousRule = wanted.count === 0 ? { names: [], count: 0 } : wanted
  const covering = coveringRule(publishedRule(scene.facts), rule, captureNames(scene.cluster))
  const isCovered = covering.count === rule.count && covering.names.length === rule.names.length
  const last = isCovered ? 'set-sync' : 'publish-loaded'
  return [
    publishStep(scene, leader, covering, { id: 'publish', after }),
    loadStep(scene, leader, rule, { after: ['publish'] }),
    ...(isCovered ? [] : [publishStep(scene, leader, rule, { id: last, after: ['set-sync'] })]),
    proofStep(scene, leader, [last]),
  ]
}

interface Publication {
  readonly id: string
  readonly after: readonly string[]
  readonly accepts?: readonly string[]
  /** What the record says again when the run is taken back. */
  readonly undo?: SynchronousRule
}

export function publishStep(
  scene: ClusterScene,
  leader: PostgresMember,
  rule: SynchronousRule,
  { id, after, accepts = [], undo }: Publication,
): Step {
  const primary = { component: scene.cluster.id, member: leader.id }
  const said = ({ names, count }: SynchronousRule) => ({
    ...primary,
    publishedSync: names,
    publishedCount: count,
  })
  return step({
    id,
    action: 'leader.publish',
    on: 'control',
    args: { ...said(rule), ...(accepts.length > 0 ? { accepts } : {}) },
    after,
    proves: `the record says that ${waitingFor(rule)}`,
    effect: 'reversible',
    phase: 'execute',
    attempts: 10,
    ...(undo === undefined ? {} : { undo: { action: 'leader.publish', args: said(undo) } }),
  })
}

export function loadStep(
  scene: ClusterScene,
  leader: PostgresMember,
  { names, count }: SynchronousRule,
  { after, undo }: { readonly after: readonly string[]; readonly undo?: SynchronousRule },
): Step {
  const primary = { component: scene.cluster.id, member: leader.id }
  const action = 'postgres.set-sync'
  return step({
    id: 'set-sync',
    action,
    on: leader.host,
    args: { ...primary, names, count },
    after,
    proves: `${leader.name} has loaded that ${waitingFor({ names, count })}`,
    effect: 'reversible',
    phase: 'execute',
    ...(undo === undefined
      ? {}
      : { undo: { action, args: { ...primary, names: undo.names, count: undo.count } } }),
  })
}

export function proofStep(scene: ClusterScene, leader: PostgresMember, after: readonly string[]): Step {
  return step({
    id: 'acknowledge',
    action: 'postgres.acknowledge',
    on: leader.host,
    args: { component: scene.cluster.id, member: leader.id, timeoutMs: 5_000 },
    after,
    proves: 'a commit was acknowledged under the published rule',
    phase: 'verify',
    timeoutMs: 10_000,
  })
}

function waitingFor({ names, count }: SynchronousRule): string {
  return count === 0 ? 'a commit waits for nobody' : `a commit waits for ${count} of ${names.join(', ')}`
}
