import type { Plan, Step } from '../domain/plan.ts'
import type { PostgresMember } from '../estate/estate.ts'
import { copiesScope, memberNamed } from '../estate/estate-lookup.ts'
import {
  clusterParameter,
  compile,
  leaderOf,
  memberFacts,
  othersThan,
  refusal,
  sceneOf,
} from './parts/cluster-facts.ts'
import type { ClusterScene } from './parts/cluster-facts.ts'
import { restoreSteps } from './parts/copy-steps.ts'
import { vaultHost } from './parts/keeper-hosts.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { from, step } from './parts/step-form.ts'

/** To read what the vault and a long archive list. */
const lookMs = 60_000
/** A failover that comes in between is waited for: who leads is compared when somebody does. */
const productionMs = 10 * 60_000
const patience = { attempts: 30, waitMs: 2_000 } as const

/**
 * The drill of every other recovery: the newest snapshot and all WAL behind it are restored in a sandbox beside a standby, replayed to the end,
 * checked and removed. The vault gets a signed receipt, and production is looked at afterwards. Its scope is the copies, so that no failover waits.
 */
export const backupVerification: Procedure = {
  name: 'backup-verification',
  version: 1,
  scenario: 'none',
  summary: 'restore a snapshot in a sandbox, replay the archive, check it, remove it and sign a receipt',
  parameters: [
    clusterParameter,
    { name: 'snapshot', required: false, meaning: 'a snapshot of the vault; the newest by default' },
    {
      name: 'target',
      required: false,
      meaning: 'where replay stops: `end` by default, so that all of the archive is proven',
    },
    { name: 'member', required: false, meaning: 'beside which member; a standby that answers by default' },
  ],
  plan(request: PlanRequest): Plan {
    const scene = sceneOf(request)
    const leader = memberFacts(scene, leaderOf(scene).id)
    if (!leader.reachable || leader.role !== 'primary')
      throw refusal(
        'PRIMARY_NOT_HEALTHY',
        `${leader.name} leads but is ${leader.reachable ? leader.role : 'unreachable'}: nobody could see afterwards that it was not touched`,
        'run `pointzero plan zone-failover`',
      )
    const member = placeOf(scene, request.parameters['member'])
    const steps = stepsBeside(scene, member, request.parameters)
    return { ...compile(this, request, scene, steps), scope: copiesScope(scene.cluster) }
  },
}

/** Never the primary's host unless it was named: reading all of a database takes disk and processor from what runs there. */
function placeOf(scene: ClusterScene, named: string | undefined): PostgresMember {
  const leader = leaderOf(scene)
  const others = othersThan(scene, leader).filter(
    ({ id, host }) => host !== leader.host && memberFacts(scene, id).reachable,
  )
  const member =
    named === undefined
      ? (others.find(({ id }) => memberFacts(scene, id).receiving) ?? others[0])
      : memberNamed(scene.cluster, named)
  if (member !== undefined && memberFacts(scene, member.id).reachable) return member
  throw refusal(
    'NO_SANDBOX_HOST',
    named === undefined
      ? `no host but that of the primary answers for ${scene.cluster.name}`
      : `the host of ${named} does not answer`,
    'see who answers with `pointzero status`, or name a host with `--param member=`',
  )
}

function stepsBeside(
  scene: ClusterScene,
  member: PostgresMember,
  { target = 'end', snapshot = 'newest' }: Readonly<Record<string, string>>,
): readonly Step[] {
  const component = scene.cluster.id
  const copy = { component, copyOf: member.id }
  return [
    step({
      id: 'note',
      action: 'production.note',
      on: 'control',
      args: { component },
      proves: 'who leads, identities, timeline, rule, slots and what is kept, before',
      phase: 'decide',
      timeoutMs: lookMs,
      waitMs: 2_000,
    }),
    step({
      id: 'choose',
      action: 'recovery.choose',
      on: member.host,
      args: { ...copy, wanted: { target, snapshot }, timeoutMs: lookMs },
      after: ['note'],
      proves: 'the snapshot, and the place in the WAL that the target means now',
      phase: 'decide',
      timeoutMs: lookMs,
      waitMs: 2_000,
    }),
    // Nobody waits for it, so it waits for hosts that are away for a while, also to remove what it made.
    ...restoreSteps(scene, member, from('choose', 'goal'), ['choose']).map((one) => ({
      ...one,
      retry: patience,
    })),
    step({
      id: 'discard',
      action: 'postgres.discard',
      on: member.host,
      args: copy,
      after: ['check'],
      proves: `no directory and no process of the sandbox is left beside ${member.name}`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 600_000,
      attempts: 10,
      waitMs: 500,
    }),
    receiptStep(scene, member),
    step({
      id: 'untouched',
      action: 'production.untouched',
      on: 'control',
      args: { component, before: from('note', 'production') },
      after: ['receipt'],
      proves: 'production is what it was before; what another run changed meanwhile is named',
      phase: 'verify',
      timeoutMs: productionMs,
      waitMs: 2_000,
    }),
  ]
}

function receiptStep(scene: ClusterScene, member: PostgresMember): Step {
  return step({
    id: 'receipt',
    action: 'vault.receipt',
    on: vaultHost(scene),
    args: {
      component: scene.cluster.id,
      member: member.name,
      snapshot: from('choose', 'snapshot'),
      manifest: from('restore', 'manifest'),
      files: from('restore', 'files'),
      bytes: from('restore', 'bytes'),
      walSegments: from('restore', 'walSegments'),
      timeline: from('replay', 'timeline'),
      lsn: from('choose', 'reached'),
      relations: from('check', 'relations'),
      pages: from('check', 'pages'),
      indexesCompared: from('check', 'indexesCompared'),
      invariants: from('check', 'invariants'),
      unchecked: from('check', 'unchecked'),
      network: from('check', 'network'),
    },
    after: ['discard'],
    proves:
      'the vault holds a signed receipt of this run: the snapshot was restored, up to which LSN, and what was looked at',
    effect: 'reversible',
    phase: 'verify',
    timeoutMs: 60_000,
    attempts: 10,
    waitMs: 2_000,
  })
}
