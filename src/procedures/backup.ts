import type { Plan } from '../domain/plan.ts'
import { copiesScope } from '../estate/estate-lookup.ts'
import { clusterParameter, compile, leaderOf, memberFacts, refusal, sceneOf } from './parts/cluster-facts.ts'
import { vaultHost } from './parts/keeper-hosts.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { step } from './parts/step-form.ts'

const dayMs = 86_400_000

/**
 * The vault's host copies the primary. Its scope is the copies, not the cluster: a failover waits for no backup, and a backup whose primary
 * is lost in the middle begins again with the new one.
 */
export const backup: Procedure = {
  name: 'backup',
  version: 1,
  scenario: 'none',
  summary: 'take a base backup of the primary into the vault that the estate names for it',
  parameters: [clusterParameter],
  plan(request: PlanRequest): Plan {
    const scene = sceneOf(request)
    const leader = memberFacts(scene, leaderOf(scene).id)
    if (!leader.reachable || leader.role !== 'primary')
      throw refusal(
        'PRIMARY_NOT_HEALTHY',
        `${leader.name} leads but is ${leader.reachable ? leader.role : 'unreachable'}`,
        'run `pointzero plan zone-failover`',
      )
    const steps = [
      step({
        id: 'back-up',
        action: 'vault.backup',
        on: vaultHost(scene),
        args: { component: scene.cluster.id },
        proves: `a snapshot of ${scene.cluster.name} that is newer than this run has a signed manifest in the vault`,
        effect: 'reversible',
        phase: 'execute',
        timeoutMs: dayMs,
        attempts: 5,
        waitMs: 2_000,
      }),
    ]
    return { ...compile(this, request, scene, steps), scope: copiesScope(scene.cluster) }
  },
}
