import type { Step } from '../../domain/plan.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import { memberFacts, type ClusterScene } from './cluster-facts.ts'
import { step } from './step-form.ts'

/** Behind the gates nobody has to be asked: who knows the server's own address is refused too, until this is undone or the server ends. */
export function refuseWrites(scene: ClusterScene, leader: PostgresMember, after: readonly string[]): Step {
  const member = { component: scene.cluster.id, member: leader.id }
  return step({
    id: 'refuse-writes',
    action: 'postgres.refuse-writes',
    on: leader.host,
    args: member,
    after,
    proves: `${leader.name} refuses writes to whoever goes past the gates: no more is committed that is undone`,
    effect: 'reversible',
    phase: 'execute',
    timeoutMs: 15_000,
    undo: { action: 'postgres.accept-writes', args: member },
  })
}

/** A run that was abandoned left it so. None when it accepts them. */
export function acceptWrites(scene: ClusterScene, leader: PostgresMember): readonly Step[] {
  if (memberFacts(scene, leader.id).refusesWrites !== true) return []
  return [
    step({
      id: 'accept-writes',
      action: 'postgres.accept-writes',
      on: leader.host,
      args: { component: scene.cluster.id, member: leader.id },
      proves: `${leader.name} accepts writes again`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 15_000,
    }),
  ]
}
