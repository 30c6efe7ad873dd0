import type {
  CaptureFacts,
  ClusterFacts,
  CopiesFacts,
  Facts,
  GateFacts,
  InstanceFacts,
  MemberFacts,
} from '../domain/facts.ts'
import { formats } from '../domain/format.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import type { MaintenanceRecord } from '../domain/maintenance-record.ts'
import { hostNamed } from '../estate/estate-lookup.ts'
import type { Component, Estate, PostgresComponent, PostgresMember } from '../estate/estate.ts'
import { keepersOf } from '../estate/keepers.ts'
import { namesakes } from '../estate/namesakes.ts'
import { synchronousCaptures } from '../estate/published-rule.ts'
import type { MemberObservation } from '../ports/database-member.ts'
import type { CopiesView } from '../ports/kept-copies.ts'
import type { ViewBoard } from './view-board.ts'

export interface FactsInput {
  readonly estate: Estate
  readonly board: ViewBoard
  /** Monotonic now of the process that holds the board. */
  readonly nowMs: number
  /** A host whose newest report is older than this does not count as reachable. */
  readonly freshMs: number
  readonly leaders: ReadonlyMap<string, LeaderRecord>
  readonly maintenance?: MaintenanceRecord | undefined
}

/** Turns the newest reports into the facts that plans depend on. Whatever is not fresh is unknown. Pure. */
export function factsFromViews(input: FactsInput): Facts {
  const { estate } = input
  const gates: GateFacts[] = []
  const instances: InstanceFacts[] = []
  const clusters: ClusterFacts[] = []
  const copies: CopiesFacts[] = []
  for (const component of estate.components) {
    if (component.kind === 'postgres') clusters.push(clusterFacts(input, component))
    copies.push(...copiesFacts(input, component))
    if (component.kind === 'gate') {
      for (const { host } of component.listeners)
        gates.push({ component: component.id, host, reachable: reachable(input, host) })
    }
    if (component.kind === 'compute') {
      for (const { host } of component.instances) instances.push(instanceFacts(input, component.id, host))
    }
  }
  return {
    format: formats.facts,
    estate: estate.id,
    clusters,
    gates,
    instances,
    ...(copies.length === 0 ? {} : { copies }),
    ...maintenanceFacts(input.maintenance),
  }
}

function maintenanceFacts(record: MaintenanceRecord | undefined): Pick<Facts, 'maintenance'> {
  if (record === undefined) return {}
  const { on, gates, message, sinceMs, run } = record
  return { maintenance: { on, gates, message, sinceMs, run } }
}

function clusterFacts(input: FactsInput, cluster: PostgresComponent): ClusterFacts {
  const leader = input.leaders.get(cluster.id)
  const leading = addressOf(input.estate, cluster, leader?.member)
  return {
    component: cluster.id,
    systemIdentifier: leader?.systemIdentifier ?? '',
    leader: leader?.member ?? '',
    publishedSync: leader?.publishedSync ?? [],
    publishedCount: leader?.publishedCount ?? 0,
    members: cluster.members.map((member) => memberFacts(input, member, leading)),
  }
}

/** `host:port` of the leader as standbys name it; undefined when nobody leads. */
function addressOf(
  estate: Estate,
  cluster: PostgresComponent,
  leader: string | undefined,
): string | undefined {
  const member = cluster.members.find(({ id }) => id === leader)
  return member === undefined ? undefined : `${hostNamed(estate, member.host).address}:${member.port}`
}

/** An agent can answer while its member does not: then the report is young and the reading in it old. */
function freshObservation(input: FactsInput, host: string, member: string): MemberObservation | undefined {
  const view = input.board.member(host, member)
  return view !== undefined && view.ageMs <= input.freshMs ? view.observation : undefined
}

function memberFacts(input: FactsInput, member: PostgresMember, leading: string | undefined): MemberFacts {
  const host = hostNamed(input.estate, member.host)
  const answers = reachable(input, member.host)
  const seen = answers ? freshObservation(input, host.id, member.id) : undefined
  return {
    member: member.id,
    name: member.name,
    host: member.host,
    zone: host.zone,
    reachable: answers,
    role: seen?.role ?? 'unknown',
    timeline: seen?.timeline ?? 0,
    systemIdentifier: seen?.systemIdentifier ?? '',
    versionNumber: seen?.versionNumber ?? 0,
    receiving: seen?.streaming === true && seen.upstream === leading,
    bypasses: [...(seen?.bypasses ?? [])].sort(),
    ...(seen?.refusesWrites === true ? { refusesWrites: true } : {}),
  }
}

function copiesFacts(input: FactsInput, component: Component): readonly CopiesFacts[] {
  const { archive, vault } = keepersOf(input.estate, component)
  const hosts = new Set([archive, vault].filter((host) => host !== undefined))
  return [...hosts].map((host) => {
    const answers = reachable(input, host.name)
    const views = answers ? (input.board.reading(host.id)?.view.copies ?? []) : []
    const own = views.find((view) => view.component === component.id)
    return {
      component: component.id,
      host: host.name,
      keeps: [
        ...(archive === host ? (['archive'] as const) : []),
        ...(vault === host ? (['vault'] as const) : []),
      ],
      reachable: answers,
      systemIdentifier: own?.systemIdentifier ?? '',
      ...(archive === host ? captureFacts(input, component, own) : {}),
    }
  })
}

function captureFacts(
  input: FactsInput,
  component: Component,
  view: CopiesView | undefined,
): { readonly capture?: CaptureFacts } {
  const [declared] = synchronousCaptures(component)
  if (declared === undefined || component.kind !== 'postgres') return {}
  const { applicationName = '', protection, source } = view?.capture ?? {}
  const isReceiving = protection !== undefined && protection.kind !== 'degraded'
  const from = component.members.find(
    ({ id }) => isReceiving && addressOf(input.estate, component, id) === source,
  )
  const leader = input.leaders.get(component.id)?.member
  const leading = component.members.find(({ id }) => id === leader)
  const seen =
    leading === undefined
      ? undefined
      : freshObservation(input, hostNamed(input.estate, leading.host).id, leading.id)
  return {
    capture: {
      applicationName,
      from: from?.id ?? '',
      isWhole: view !== undefined && view.readAgeMs !== undefined && view.broken.length === 0,
      connections: namesakes(seen?.standbys ?? [], declared.name).length,
    },
  }
}

function instanceFacts(input: FactsInput, component: `cmp_${string}`, name: string): InstanceFacts {
  const host = hostNamed(input.estate, name)
  const answers = reachable(input, name)
  const view = answers ? input.board.reading(host.id)?.view : undefined
  const running = view?.instances.find((one) => one.component === component)?.running ?? false
  return { component, host: name, zone: host.zone, reachable: answers, running }
}

function reachable(input: FactsInput, host: string): boolean {
  return input.board.ageMs(hostNamed(input.estate, host).id, input.nowMs) <= input.freshMs
}
