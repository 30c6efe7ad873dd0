import type { Scenario } from '../domain/scenario.ts'
import type { HostZones } from './component-zones.ts'
import type { Component, Estate, PostgresComponent } from './estate.ts'
import type { Store } from './protection.ts'

/** The estate with its names looked up once: ten thousand components are assessed in one pass. */
export interface EstateMap {
  readonly estate: Estate
  readonly hostZones: HostZones
  readonly regionOfZone: ReadonlyMap<string, string>
  readonly stores: ReadonlyMap<string, Store>
  readonly components: ReadonlyMap<string, Component>
}

export function estateMap(estate: Estate): EstateMap {
  return {
    estate,
    hostZones: new Map(estate.hosts.map(({ name, zone }) => [name, zone])),
    regionOfZone: new Map(
      estate.regions.flatMap(({ name, zones }) => zones.map((zone) => [zone, name] as const)),
    ),
    components: new Map(estate.components.map((component) => [component.name, component])),
    stores: new Map((estate.stores ?? []).map((store) => [store.name, store])),
  }
}

/** What the loss of a primary's place takes with it: `host`, `zone` or `region`. */
type Place = 'host' | 'zone' | 'region'

const lostPlaces: Readonly<Partial<Record<Scenario, Place>>> = {
  'component-loss': 'host',
  'zone-loss': 'zone',
  'region-loss': 'region',
}

export interface AcknowledgementRule {
  /** Acknowledgements required now. */
  readonly count: number
  /** So many would always include one from elsewhere; undefined when no acknowledging member is elsewhere. */
  readonly needed?: number
  readonly place: Place
  readonly exampleLost: string
}

/**
 * With `ANY n`, a commit is known outside of the primary's place only when n exceeds the number of other acknowledging members
 * in that place. Any acknowledging member may be primary, so the worst one counts. Undefined for scenarios that take no place.
 */
export function acknowledgementRule(
  map: EstateMap,
  cluster: PostgresComponent,
  scenario: Scenario,
): AcknowledgementRule | undefined {
  const place = lostPlaces[scenario]
  if (place === undefined) return undefined
  const placeOf = (host: string) => {
    const zone = map.hostZones.get(host) ?? 'outside'
    return { host, zone, region: map.regionOfZone.get(zone) ?? zone }[place]
  }
  const places = cluster.members
    .filter(({ synchronous }) => synchronous !== false)
    .map(({ host }) => placeOf(host))
  const crowds = [...new Set(places)].map((name) => ({
    name,
    size: places.filter((other) => other === name).length,
  }))
  const [worst] = crowds.toSorted((left, right) => right.size - left.size)
  const count = cluster.policy.synchronousCount
  const exampleLost = worst?.name ?? ''
  if (worst === undefined || worst.size === places.length) return { count, place, exampleLost }
  return { count, needed: worst.size, place, exampleLost }
}

/** Stores that are still there. A zone loss leaves a region's store; a corruption leaves all, an estate loss only what is offsite. */
export function storeSurvives(map: EstateMap, name: string, scenario: Scenario, home: string): boolean {
  const store = map.stores.get(name)
  if (store === undefined) return false
  if (store.location === 'offsite') return true
  if (scenario === 'estate-loss') return false
  return scenario !== 'region-loss' || store.location !== home
}

/** The region whose loss counts: where the component is written, the first active one if it does not say. */
export function homeRegions(map: EstateMap, places: Iterable<string>): readonly string[] {
  const regions = [...new Set([...places].map((place) => map.regionOfZone.get(place) ?? place))]
  const active = map.estate.regions.filter(({ role, name }) => role === 'active' && regions.includes(name))
  return active.map(({ name }) => name)
}
