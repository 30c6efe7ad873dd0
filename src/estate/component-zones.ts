import type { Component, Estate } from './estate.ts'

/** Zone of each host, by name. */
export type HostZones = ReadonlyMap<string, string>

export function hostZones(estate: Estate): HostZones {
  return new Map(estate.hosts.map(({ name, zone }) => [name, zone]))
}

/** Zones whose loss takes a part of the component with it. Declared kinds may name a region instead: it stands for itself. */
export function zonesOf(zones: HostZones, component: Component): ReadonlySet<string> {
  const of = (places: readonly { readonly host: string }[]) =>
    places.map(({ host }) => zones.get(host) ?? 'outside')
  switch (component.kind) {
    case 'postgres':
      return new Set(of(component.members))
    case 'compute':
      return new Set(of(component.instances))
    case 'gate':
      return new Set(of(component.listeners))
    default:
      return new Set(component.locations)
  }
}
