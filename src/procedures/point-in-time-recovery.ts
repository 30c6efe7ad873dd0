import type { Json } from '../domain/canonical-json.ts'
import type { Plan, Step } from '../domain/plan.ts'
import type { PostgresMember } from '../estate/estate.ts'
import { publishedMembers } from '../estate/published-rule.ts'
import {
  clusterParameter,
  compile,
  leaderOf,
  memberFacts,
  refusal,
  sceneOf,
  targetOf,
  type ClusterScene,
} from './parts/cluster-facts.ts'
import { copySteps, installSteps } from './parts/copy-steps.ts'
import { drain, drainedIds } from './parts/drain-steps.ts'
import { droppedCaptures } from './parts/dropped-captures.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { recoveredPrimarySteps } from './parts/recovered-primary.ts'
import { goalOf, goalParameters } from './parts/recovery-goal.ts'
import { serviceSteps } from './parts/service-steps.ts'
import { from, step } from './parts/step-form.ts'
import { refuseWrites } from './parts/write-refusal-steps.ts'

/**
 * Data was destroyed, and the primary is well: clients are held back and writes refused, the state just before is brought back beside it and
 * checked there, and only then takes its place. What was committed after the target is undone: it is counted before, saved as rows as far as the database
 * still has them, and no number of a sequence is given again. Until the claim everything can be undone.
 */
export const pointInTimeRecovery: Procedure = {
  name: 'point-in-time-recovery',
  version: 1,
  scenario: 'corruption',
  summary: 'bring a database back to a moment before data was destroyed',
  parameters: [clusterParameter, ...goalParameters],
  plan(request: PlanRequest): Plan {
    const scene = sceneOf(request)
    const goal = goalOf(request.parameters)
    const leader = leaderOf(scene)
    requireRunning(scene, leader)
    const { host } = leader
    const drained = drain(scene, leader)
    const refused = refuseWrites(scene, leader, drainedIds(drained))
    return compile(this, request, scene, [
      ...drained,
      refused,
      ...copySteps(scene, leader, goal, [refused.id]),
      exportAfter(scene, leader, goal),
      ...replace(scene, leader, goal),
      ...recoveredPrimarySteps(scene, leader, publishedMembers(scene.cluster, scene.facts)),
      ...serviceSteps(scene, { host, target: targetOf(scene, leader), ready: 'acknowledge' }),
    ])
  },
}

function requireRunning(scene: ClusterScene, leader: PostgresMember): void {
  const { reachable, role } = memberFacts(scene, leader.id)
  if (reachable && role === 'primary') return
  throw refusal(
    'PRIMARY_NOT_HEALTHY',
    `${leader.name} leads but is ${reachable ? role : 'unreachable'}: a recovery to a point in time begins with a primary that runs`,
    'bring it back first: `pointzero plan zone-failover`, or `pointzero plan reprotect` for the leader',
  )
}

/** Beside the restore, not before it: it takes none of the time that clients wait. */
function exportAfter(
  scene: ClusterScene,
  leader: PostgresMember,
  goal: Readonly<Record<string, Json>>,
): Step {
  return step({
    id: 'export-after',
    action: 'postgres.export-after',
    on: leader.host,
    args: { component: scene.cluster.id, copyOf: leader.id, goal },
    after: ['resolve'],
    proves: 'the rows that the recovery undoes are in a file; what no export can have is named',
    effect: 'reversible',
    phase: 'execute',
    timeoutMs: 24 * 3_600_000,
    attempts: 5,
    waitMs: 500,
  })
}

function replace(
  scene: ClusterScene,
  leader: PostgresMember,
  goal: Readonly<Record<string, Json>>,
): readonly Step[] {
  const component = scene.cluster.id
  const member = { component, member: leader.id }
  const members = publishedMembers(scene.cluster, scene.facts)
  const accepts = droppedCaptures(scene)
  return [
    step({
      id: 'stop-clean',
      action: 'postgres.stop-clean',
      on: leader.host,
      args: member,
      after: ['check', 'export-after'],
      proves: `${leader.name} ended cleanly: nothing is committed any more behind what was counted`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 120_000,
      undo: { action: 'postgres.reopen', args: member },
    }),
    step({
      id: 'finish',
      action: 'postgres.finish',
      on: leader.host,
      args: { component, copyOf: leader.id, goal },
      after: ['stop-clean'],
      proves: 'no sequence of the copy gives a number again; the copy ended cleanly on a timeline of its own',
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 600_000,
    }),
    step({
      id: 'claim',
      action: 'leader.claim',
      on: 'control',
      args: {
        ...member,
        from: leader.id,
        renew: true,
        systemIdentifier: scene.facts.systemIdentifier,
        publishedSync: members.names,
        publishedCount: members.count,
        holds: { timeline: from('finish', 'timeline'), lsn: from('finish', 'shutdownLsn') },
        ...(accepts.length > 0 ? { accepts } : {}),
      },
      after: ['finish'],
      proves: `${leader.name} leads on with the recovered data: nobody who holds the other data is a candidate any more`,
      effect: 'point-of-no-return',
      phase: 'execute',
      attempts: 10,
    }),
    ...installSteps(scene, leader),
  ]
}
