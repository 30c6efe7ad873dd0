import type { Json } from '../../domain/canonical-json.ts'
import type { Step } from '../../domain/plan.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import type { ClusterScene } from './cluster-facts.ts'
import { step } from './step-form.ts'

/** A day: nobody knows how large the database is, and an agent that is lost is noticed within seconds. */
const longMs = 24 * 3_600_000
/** To read what the vault and a long archive list; a look is allowed that much. */
const lookMs = 60_000

/** From the decision where to go to a checked copy beside the member. All of it can be undone: nothing else is touched. */
export function copySteps(
  scene: ClusterScene,
  member: PostgresMember,
  goal: Readonly<Record<string, Json>>,
  after: readonly string[],
): readonly Step[] {
  const copy = { component: scene.cluster.id, copyOf: member.id, goal }
  return [
    step({
      id: 'resolve',
      action: 'recovery.resolve',
      on: member.host,
      args: { ...copy, timeoutMs: lookMs },
      after,
      proves: 'vault and archive lead to the target; how many commits lie behind it now',
      phase: 'decide',
      timeoutMs: lookMs,
    }),
    ...restoreSteps(scene, member, goal, ['resolve']),
  ]
}

/** From a goal, or what an earlier step chose, to a checked copy. */
export function restoreSteps(
  scene: ClusterScene,
  member: PostgresMember,
  goal: Json,
  after: readonly string[],
): readonly Step[] {
  const copy = { component: scene.cluster.id, copyOf: member.id, goal }
  const invariants = (scene.cluster.invariants ?? []).map((one) => ({ ...one }))
  const on = member.host
  return [
    step({
      id: 'restore',
      action: 'postgres.restore',
      on,
      args: copy,
      after,
      proves: `snapshot and WAL lie beside ${member.name}, compared with manifest and ledger`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: longMs,
      attempts: 5,
      waitMs: 500,
      undo: { action: 'postgres.discard', args: copy },
    }),
    step({
      id: 'replay',
      action: 'postgres.replay',
      on,
      args: copy,
      after: ['restore'],
      proves: 'the copy stands at the target: its LSN and timeline, the last commit in and the first one out',
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: longMs,
      attempts: 5,
      waitMs: 500,
    }),
    step({
      id: 'check',
      action: 'postgres.check',
      on,
      args: { ...copy, invariants },
      after: ['replay'],
      proves: 'every page of the copy was read, indexes agree with tables, the invariants hold',
      effect: 'reversible',
      phase: 'verify',
      timeoutMs: longMs,
      attempts: 5,
      waitMs: 500,
    }),
  ]
}

/** Puts the copy in the member's place. Behind a claim: from here on there is one way. */
export function installSteps(scene: ClusterScene, member: PostgresMember): readonly Step[] {
  const args = { component: scene.cluster.id, member: member.id }
  return [
    step({
      id: 'install',
      action: 'postgres.install',
      on: member.host,
      args,
      after: ['claim'],
      proves: `the copy is the data directory of ${member.name}; the old one is kept`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 60_000,
      attempts: 10,
    }),
    step({
      id: 'start',
      action: 'postgres.start',
      on: member.host,
      args,
      after: ['install'],
      proves: `${member.name} runs on what was recovered, as a standby`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 120_000,
      attempts: 10,
    }),
  ]
}
