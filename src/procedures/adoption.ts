import type { Plan, Step } from '../domain/plan.ts'
import type { PostgresMember } from '../estate/estate.ts'
import { acknowledgingNames, memberNamed } from '../estate/estate-lookup.ts'
import {
  compile,
  memberFacts,
  othersThan,
  refusal,
  sceneOf,
  targetOf,
  upstreamOf,
  type ClusterScene,
} from './parts/cluster-facts.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { serviceSteps } from './parts/service-steps.ts'
import { from, step } from './parts/step-form.ts'

/**
 * Takes a PostgreSQL cluster into Pointzero's care: binds its system identifier, names the leader under the first epoch, brings every other
 * member in as a standby, publishes and loads the synchronous rule, proves it, and opens the gates.
 */
export const adoption: Procedure = {
  name: 'adoption',
  version: 1,
  scenario: 'none',
  summary:
    'take a cluster into care: bind identity, name the leader, clone standbys, load the synchronous rule',
  parameters: [
    {
      name: 'cluster',
      required: false,
      meaning: 'the postgres component; needed when there is more than one',
    },
    {
      name: 'primary',
      required: false,
      meaning: 'the member that holds the data; the only one that does when absent',
    },
  ],
  plan(request: PlanRequest): Plan {
    const scene = sceneOf(request)
    if (scene.facts.leader !== '') {
      throw refusal(
        'CLUSTER_ADOPTED',
        `${scene.cluster.name} has a leader already: ${scene.facts.leader}`,
        'see `pointzero status`; use `reprotect` or `switchover` instead',
      )
    }
    const primary = holder(scene, request.parameters['primary'])
    const { host } = primary
    return compile(this, request, scene, [
      ...open(scene, primary),
      ...protect(scene, primary),
      ...serviceSteps(scene, { host, target: targetOf(scene, primary), ready: 'acknowledge' }),
    ])
  },
}

/** The one member with data; two of different lineage are never guessed between. */
function holder(scene: ClusterScene, wanted: string | undefined): PostgresMember {
  const holding = scene.cluster.members.filter(
    (member) => memberFacts(scene, member.id).systemIdentifier !== '',
  )
  const running = holding.filter((member) => memberFacts(scene, member.id).role === 'primary')
  const found =
    wanted === undefined
      ? running.length === 1
        ? running[0]
        : holding.length === 1
          ? holding[0]
          : undefined
      : memberNamed(scene.cluster, wanted)
  if (found === undefined) {
    const names = holding.map(({ name }) => name).join(', ')
    throw refusal(
      'PRIMARY_AMBIGUOUS',
      names === ''
        ? `no member of ${scene.cluster.name} holds a database yet`
        : `more than one member holds data: ${names}`,
      'name the one to keep with `--param primary=`',
    )
  }
  const other = running.find((member) => member.id !== found.id)
  if (other !== undefined)
    throw refusal(
      'SECOND_PRIMARY',
      `${other.name} runs as a primary too`,
      `stop ${other.name} by hand after comparing both`,
    )
  return found
}

function open(scene: ClusterScene, primary: PostgresMember): readonly Step[] {
  const args = { component: scene.cluster.id, member: primary.id }
  return [
    step({
      id: 'start',
      action: 'postgres.start',
      on: primary.host,
      args,
      proves: `${primary.name} runs`,
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 60_000,
    }),
    step({
      id: 'claim',
      action: 'leader.claim',
      on: 'control',
      args: {
        ...args,
        from: '',
        systemIdentifier: from('start', 'systemIdentifier'),
        publishedSync: [],
        publishedCount: 0,
      },
      after: ['start'],
      proves: `the leader record names ${primary.name} and its system identifier`,
      effect: 'point-of-no-return',
      phase: 'execute',
      attempts: 10,
    }),
    step({
      id: 'promote',
      action: 'postgres.promote',
      on: primary.host,
      args,
      after: ['claim'],
      proves: `${primary.name} accepts writes`,
      effect: 'point-of-no-return',
      phase: 'execute',
      timeoutMs: 30_000,
      attempts: 10,
    }),
    step({
      id: 'checkpoint',
      action: 'postgres.checkpoint',
      on: primary.host,
      args,
      after: ['promote'],
      proves: 'its timeline is in pg_control',
      effect: 'reversible',
      phase: 'execute',
      timeoutMs: 60_000,
    }),
  ]
}

function protect(scene: ClusterScene, primary: PostgresMember): readonly Step[] {
  const component = scene.cluster.id
  const standbys = othersThan(scene, primary)
  const named = acknowledgingNames(scene.cluster)
  const names = standbys
    .map(({ name }) => name)
    .filter((name) => named.has(name))
    .sort()
  const count = scene.cluster.policy.synchronousCount
  const args = { component, member: primary.id }
  return [
    ...standbys.map((member) =>
      step({
        id: `rejoin-${member.name}`,
        action: 'postgres.rejoin',
        on: member.host,
        args: { component, member: member.id, upstream: upstreamOf(scene, primary) },
        after: ['checkpoint'],
        proves: `${member.name} streams from ${primary.name}`,
        effect: 'reversible',
        phase: 'execute',
        timeoutMs: 3_600_000,
        attempts: 5,
        waitMs: 500,
      }),
    ),
    step({
      id: 'publish',
      action: 'leader.publish',
      on: 'control',
      args: { ...args, publishedSync: names, publishedCount: count },
      after: standbys.map(({ name }) => `rejoin-${name}`),
      proves: 'the names that may acknowledge are published',
      effect: 'reversible',
      phase: 'execute',
      attempts: 10,
    }),
    step({
      id: 'set-sync',
      action: 'postgres.set-sync',
      on: primary.host,
      args: { ...args, names, count },
      after: ['publish'],
      proves: `${primary.name} waits for ${count} of ${names.join(', ')}`,
      effect: 'reversible',
      phase: 'execute',
    }),
    step({
      id: 'acknowledge',
      action: 'postgres.acknowledge',
      on: primary.host,
      args: { ...args, timeoutMs: 5_000 },
      after: ['set-sync'],
      proves: 'a commit was acknowledged under the rule',
      phase: 'verify',
      timeoutMs: 10_000,
    }),
  ]
}
