import { RecoveryError } from '../domain/recovery-error.ts'
import type {
  Component,
  ComputeComponent,
  Estate,
  GateComponent,
  Host,
  PostgresComponent,
  PostgresMember,
} from './estate.ts'

export function hostNamed(estate: Estate, name: string): Host {
  const host = estate.hosts.find((candidate) => candidate.name === name || candidate.id === name)
  if (host === undefined) throw unknown('host', name)
  return host
}

export function componentNamed(estate: Estate, nameOrId: string): Component {
  const component = estate.components.find(
    (candidate) => candidate.name === nameOrId || candidate.id === nameOrId,
  )
  if (component === undefined) throw unknown('component', nameOrId)
  return component
}

export function clusters(estate: Estate): readonly PostgresComponent[] {
  return estate.components.filter((component) => component.kind === 'postgres')
}

/** The cluster named, or the only one there is. */
export function clusterNamed(estate: Estate, nameOrId: string | undefined): PostgresComponent {
  const all = clusters(estate)
  if (nameOrId === undefined && all.length === 1 && all[0] !== undefined) return all[0]
  const component = componentNamed(estate, nameOrId ?? '')
  if (component.kind !== 'postgres') throw unknown('postgres component', nameOrId ?? '')
  return component
}

export function memberNamed(cluster: PostgresComponent, nameOrId: string): PostgresMember {
  const member = cluster.members.find((candidate) => candidate.name === nameOrId || candidate.id === nameOrId)
  if (member === undefined) throw unknown(`member of ${cluster.name}`, nameOrId)
  return member
}

export function gatesTo(estate: Estate, component: string): readonly GateComponent[] {
  return estate.components.filter(
    (gate): gate is GateComponent => gate.kind === 'gate' && gate.leadsTo === component,
  )
}

/** An application on that host reaches others through the gate: behind a shut door it must, or it could not come back there. */
export function admitsOwnHost(estate: Estate, gate: string, host: string): boolean {
  const { name } = componentNamed(estate, gate)
  const place = hostNamed(estate, host)
  return estate.components.some(
    (component) =>
      component.kind === 'compute' &&
      component.dependsOn.includes(name) &&
      component.instances.some((instance) => instance.host === place.name),
  )
}

/** Applications that run beside the cluster's primary. */
export function computePlacedWith(estate: Estate, cluster: string): readonly ComputeComponent[] {
  return estate.components.filter(
    (component): component is ComputeComponent =>
      component.kind === 'compute' && component.placedWith === cluster,
  )
}

/** Labels of the members that may ever stand in synchronous_standby_names. */
export function acknowledgingNames(cluster: PostgresComponent): ReadonlySet<string> {
  return new Set(cluster.members.filter(({ synchronous }) => synchronous !== false).map(({ name }) => name))
}

/** Epoch scope of a component. */
export function scopeOf(component: Component): string {
  return `cluster:${component.id}`
}

/** Epoch scope of what is kept of a component: a failover waits for no backup. */
export function copiesScope({ id }: Pick<Component, 'id'>): string {
  return `copies:${id}`
}

export function isCopiesScope(scope: string): boolean {
  return scope.startsWith('copies:')
}

/** Epoch scope of the doors that maintenance shuts: no cluster's, so that a failover waits for no maintenance. */
export function maintenanceScope(estate: Estate): string {
  return `maintenance:${estate.id}`
}

function unknown(what: string, name: string): RecoveryError {
  return new RecoveryError({
    code: 'ESTATE_NAME_UNKNOWN',
    class: 'invalid-estate',
    message:
      name === ''
        ? `no ${what} was named and there is not exactly one`
        : `the estate has no ${what} ${JSON.stringify(name)}`,
    hint: 'list the names with `pointzero status`',
  })
}
