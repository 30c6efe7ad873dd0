import type { Json } from '../../domain/canonical-json.ts'
import type { Step, StepReference } from '../../domain/plan.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import { memberFacts, type ClusterScene } from './cluster-facts.ts'
import { step } from './step-form.ts'

/** The new primary, named when the plan is made or chosen at run time. */
export interface Successor {
  readonly member: Json
  readonly host: string | StepReference
  readonly upstream: Json
  /** Labels that were published for it by the claim. */
  readonly names: Json
  readonly count: number
  /** Members that stream from it afterwards; the successor itself may be among them. */
  readonly followers: readonly PostgresMember[]
}

/** From the claimed leader record to a proven primary: it opens with its synchronous rule set and proves it before any client comes. */
export function takeOverSteps(scene: ClusterScene, successor: Successor): readonly Step[] {
  const chosen = { component: scene.cluster.id, member: successor.member }
  const { host, names, count } = successor
  return [
    step({
      id: 'set-sync',
      action: 'postgres.set-sync',
      on: host,
      args: { ...chosen, names, count },
      after: ['claim'],
      proves:
        count === 0 ? 'the new leader waits for nobody' : 'the new leader waits for the published names',
      effect: 'reversible',
      phase: 'execute',
      attempts: 10,
    }),
    step({
      id: 'promote',
      action: 'postgres.promote',
      on: host,
      args: chosen,
      after: ['set-sync'],
      proves: 'the new leader is out of recovery on a new timeline',
      effect: 'point-of-no-return',
      phase: 'execute',
      timeoutMs: 30_000,
      attempts: 10,
    }),
    ...successor.followers.map((member) => follow(scene, member, successor.upstream)),
    ...proofs(chosen, host, count),
  ]
}

function follow(scene: ClusterScene, member: PostgresMember, upstream: Json): Step {
  return step({
    id: `follow-${member.name}`,
    action: 'postgres.follow',
    on: member.host,
    args: { component: scene.cluster.id, member: member.id, upstream },
    after: ['promote'],
    proves: `${member.name} streams from the new primary, or is it`,
    effect: 'reversible',
    phase: 'execute',
    attempts: 10,
    optional: !memberFacts(scene, member.id).reachable,
  })
}

function proofs(
  chosen: Readonly<Record<string, Json>>,
  host: string | StepReference,
  count: number,
): readonly Step[] {
  return [
    step({
      id: 'acknowledge',
      action: 'postgres.acknowledge',
      on: host,
      args: { ...chosen, timeoutMs: 5_000 },
      after: ['promote'],
      proves:
        count === 0
          ? 'a commit that lies after the end of recovery was made, on the only copy that a commit waits for'
          : 'a named standby acknowledged a commit that lies after the end of recovery',
      phase: 'verify',
      timeoutMs: 10_000,
      attempts: 3,
    }),
    step({
      id: 'checkpoint',
      action: 'postgres.checkpoint',
      on: host,
      args: chosen,
      after: ['acknowledge'],
      proves: 'the new timeline is in pg_control, so that others can rewind against it',
      effect: 'reversible',
      phase: 'verify',
      timeoutMs: 60_000,
    }),
  ]
}
