import type { Plan, Step } from '../domain/plan.ts'
import type { PostgresMember } from '../estate/estate.ts'
import { acknowledgingNames, memberNamed } from '../estate/estate-lookup.ts'
import {
  clusterParameter,
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
import { ruleSteps } from './parts/rule-steps.ts'
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
    clusterParameter,
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
    requireSeen(scene)
    const primary = holder(scene, request.parameters['primary'])
    requireOneLineage(scene, primary)
    const { host } = primary
    return compile(this, request, scene, [
      ...open(scene, primary),
      ...protect(scene, primary),
      ...serviceSteps(scene, { host, target: targetOf(scene, primary), ready: 'acknowledge' }),
    ])
  },
}

/** What can not be seen may hold the data, or run as a primary: unknown is not empty. */
function requireSeen(scene: ClusterScene): void {
  for (const { name, host, reachable, role } of scene.facts.members) {
    if (reachable && role !== 'unknown') continue
    throw refusal(
      'MEMBER_UNREACHABLE',
      reachable ? `the server of ${name} does not answer its agent` : `the agent of ${name} does not answer`,
      `see to it that \`pointzero agent\` on ${host} reports ${name}, then plan again`,
    )
  }
}

/** The others are made standbys of the primary: what somebody else's database left there goes only by hand. */
function requireOneLineage(scene: ClusterScene, primary: PostgresMember): void {
  const { systemIdentifier } = memberFacts(scene, primary.id)
  if (systemIdentifier === '')
    throw refusal(
      'PRIMARY_EMPTY',
      `${primary.name} holds no database`,
      'name the member that holds the data with `--param primary=`',
    )
  for (const member of othersThan(scene, primary)) {
    const found = memberFacts(scene, member.id).systemIdentifier
    if (found === '' || found === systemIdentifier) continue
    throw refusal(
      'SYSTEM_IDENTIFIER_MISMATCH',
      `${member.name} holds another database system (${found}) than ${primary.name} (${systemIdentifier})`,
      `look at ${member.dataDirectory} on ${member.host}; move it aside by hand if it may go`,
    )
  }
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
    ...ruleSteps(
      scene,
      primary,
      { names, count },
      standbys.map(({ name }) => `rejoin-${name}`),
    ),
  ]
}
