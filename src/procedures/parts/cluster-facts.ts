import type { Json } from '../../domain/canonical-json.ts'
import type { ClusterFacts, Facts, MemberFacts } from '../../domain/facts.ts'
import type { Plan } from '../../domain/plan.ts'
import { productVersion } from '../../domain/product-version.ts'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { formats, requireFormat } from '../../domain/format.ts'
import { digest } from '../../engine/digest.ts'
import {
  clusterNamed,
  computePlacedWith,
  gatesTo,
  hostNamed,
  memberNamed,
  scopeOf,
} from '../../estate/estate-lookup.ts'
import type { Estate, PostgresComponent, PostgresMember } from '../../estate/estate.ts'
import type { PlanRequest, Procedure } from './procedure.ts'

/** The part of the estate and of the facts that procedures on one cluster work with. */
export interface ClusterScene {
  readonly estate: Estate
  readonly cluster: PostgresComponent
  readonly facts: ClusterFacts
  readonly all: Facts
}

/** Which cluster a procedure works on. */
export const clusterParameter = {
  name: 'cluster',
  required: false,
  meaning: 'the postgres component; needed when there is more than one',
} as const

export function sceneOf(request: PlanRequest): ClusterScene {
  requireOwnFacts(request)
  const { estate, facts } = request
  const cluster = clusterNamed(estate, request.parameters['cluster'])
  const found = facts.clusters.find((candidate) => candidate.component === cluster.id)
  if (found === undefined)
    throw refusal(
      'FACTS_MISSING',
      `nothing was observed of ${cluster.name}`,
      'take fresh facts with `pointzero facts`',
    )
  return { estate, cluster, facts: found, all: facts }
}

export function requireOwnFacts({ estate, facts }: PlanRequest): void {
  requireFormat('facts', facts.format, 'facts')
  if (facts.estate === estate.id) return
  throw refusal(
    'FACTS_OF_ANOTHER_ESTATE',
    `these facts belong to ${facts.estate}, the estate is ${estate.id}`,
    'take fresh facts with `pointzero facts`',
  )
}

export function memberFacts(scene: ClusterScene, member: string): MemberFacts {
  const found = scene.facts.members.find((candidate) => candidate.member === member)
  if (found === undefined)
    throw refusal(
      'FACTS_MISSING',
      `nothing was observed of member ${member}`,
      'take fresh facts with `pointzero facts`',
    )
  return found
}

/** The member that leads by the control store's record. */
export function leaderOf(scene: ClusterScene): PostgresMember {
  if (scene.facts.leader === '') {
    throw refusal(
      'CLUSTER_NOT_ADOPTED',
      `${scene.cluster.name} has no leader record`,
      `run \`pointzero run adoption --param cluster=${scene.cluster.name}\` first`,
    )
  }
  return memberNamed(scene.cluster, scene.facts.leader)
}

export function othersThan(scene: ClusterScene, member: PostgresMember): readonly PostgresMember[] {
  return scene.cluster.members.filter((candidate) => candidate.id !== member.id)
}

export function upstreamOf(scene: ClusterScene, member: PostgresMember): Readonly<Record<string, Json>> {
  const { address } = hostNamed(scene.estate, member.host)
  return { member: member.id, name: member.name, address, port: member.port }
}

export function targetOf(scene: ClusterScene, member: PostgresMember): Readonly<Record<string, Json>> {
  return { address: hostNamed(scene.estate, member.host).address, port: member.port }
}

export interface GatePlace {
  readonly gate: string
  readonly name: string
  readonly host: string
  readonly reachable: boolean
}

/** Hosts where a gate of the component listens, declared order, each with whether its agent answers. */
export function gatePlaces(scene: ClusterScene, component: string): readonly GatePlace[] {
  return gatesTo(scene.estate, component).flatMap((gate) =>
    gate.listeners.map(({ host }) => ({
      gate: gate.id,
      name: gate.name,
      host,
      reachable:
        scene.all.gates.find((seen) => seen.component === gate.id && seen.host === host)?.reachable ?? false,
    })),
  )
}

/** Everything that runs beside this cluster's primary, with the hosts it can run on. */
export function companions(scene: ClusterScene) {
  return computePlacedWith(scene.estate, scene.cluster.name).map((compute) => ({
    compute,
    places: compute.instances.map(({ host, port }) => {
      const seen = scene.all.instances.find((one) => one.component === compute.id && one.host === host)
      return {
        host,
        port,
        address: hostNamed(scene.estate, host).address,
        reachable: seen?.reachable ?? false,
        running: seen?.running ?? false,
      }
    }),
  }))
}

/**
 * Wraps steps into the plan. `dependsOn` is exactly what was read from the facts: it is hashed, so that a changed fact that matters
 * changes the plan and lets its approval lapse, and one that does not matter leaves it alone.
 */
export function compile(
  procedure: Procedure,
  request: PlanRequest,
  scene: ClusterScene,
  steps: Plan['steps'],
  copies?: Facts['copies'],
): Plan {
  const dependsOn = {
    ...(copies === undefined ? {} : { copies }),
    cluster: scene.facts,
    gates: scene.all.gates,
    instances: scene.all.instances.map(({ component, host, reachable }) => ({ component, host, reachable })),
  }
  return {
    format: formats.plan,
    procedure: procedure.name,
    procedureVersion: procedure.version,
    productVersion,
    estate: scene.estate.id,
    estateDigest: digest(scene.estate),
    factsDigest: digest(dependsOn),
    scenario: procedure.scenario,
    parameters: request.parameters,
    scope: scopeOf(scene.cluster),
    mode: request.mode,
    steps,
  }
}

/** RPO 0 is void while anything may commit without waiting for the quorum; it is refused, never assumed. */
export function requireNoBypass(
  scene: ClusterScene,
  waits = Math.max(scene.cluster.policy.synchronousCount, scene.facts.publishedCount),
): void {
  const bypasses = scene.facts.members.flatMap((member) =>
    member.bypasses.map((reason) => `${member.name}: ${reason}`),
  )
  if (waits === 0 || bypasses.length === 0) return
  throw refusal(
    'SYNCHRONOUS_COMMIT_BYPASSED',
    `RPO 0 is void while commits may skip the acknowledgement: ${bypasses.join('; ')}`,
    'remove the setting named above; a zone failover or a restore may accept the loss with `--param accept-loss=yes` and an approval',
  )
}

export function refusal(code: string, message: string, hint: string): RecoveryError {
  return new RecoveryError({ code, class: 'refused', message, hint })
}
