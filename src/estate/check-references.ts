import type { ComponentDeclaration } from './component-schema.ts'
import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'

/** One name that must stand for something, and where it is written. */
interface Reference {
  readonly path: EstatePath
  readonly name: string
  readonly to: 'host' | 'zone' | 'region' | 'place' | 'component' | 'store' | 'store-place'
  readonly part?: 'key'
}

const nouns = {
  host: 'host',
  zone: 'zone (or outside)',
  region: 'region',
  place: 'region or zone',
  component: 'component',
  store: 'store',
  'store-place': 'region (or offsite)',
} as const

/** Every name stands for something that the estate declares. */
export function checkReferences(estate: EstateDeclaration): readonly EstateProblem[] {
  const regions = Object.keys(estate.regions)
  const zones = Object.values(estate.regions).flatMap((region) => region.zones)
  const known: Readonly<Record<Reference['to'], ReadonlySet<string>>> = {
    host: new Set(Object.keys(estate.hosts)),
    zone: new Set([...zones, 'outside']),
    region: new Set(regions),
    place: new Set([...regions, ...zones]),
    component: new Set(Object.keys(estate.components)),
    store: new Set(Object.keys(estate.stores ?? {})),
    'store-place': new Set([...regions, 'offsite']),
  }
  const references = [
    ...estateReferences(estate),
    ...Object.entries(estate.components).flatMap(([name, component]) =>
      componentReferences(['components', name], component),
    ),
  ]
  return references
    .filter(({ to, name }) => !known[to].has(name))
    .map(({ path, name, to, part }) => problem(path, unknownName(name, nouns[to], known[to]), part))
}

function unknownName(name: string, noun: string, known: ReadonlySet<string>): string {
  const some = [...known].slice(0, 8).join(', ')
  const rest = known.size > 8 ? ' …' : ''
  return `there is no ${noun} ${name}; ${known.size === 0 ? 'declare it' : `declare it, or write one of ${some}${rest}`}`
}

function list(
  path: EstatePath,
  names: readonly string[] | undefined,
  to: Reference['to'],
): readonly Reference[] {
  return (names ?? []).map((name, index) => ({ path: [...path, index], name, to }))
}

function one(path: EstatePath, name: string | undefined, to: Reference['to']): readonly Reference[] {
  return name === undefined ? [] : [{ path, name, to }]
}

function keys(
  path: EstatePath,
  map: Readonly<Record<string, unknown>> | undefined,
  to: Reference['to'],
): readonly Reference[] {
  return Object.keys(map ?? {}).map((name) => ({ path: [...path, name], name, to, part: 'key' as const }))
}

function estateReferences(estate: EstateDeclaration): readonly Reference[] {
  return [
    ...Object.entries(estate.hosts).flatMap(([name, { zone }]) => one(['hosts', name, 'zone'], zone, 'zone')),
    ...one(['controlPlane', 'host'], estate.controlPlane.host, 'host'),
    ...(estate.links ?? []).flatMap((link, index) =>
      list(['links', index, 'between'], link.between, 'region'),
    ),
    ...Object.entries(estate.stores ?? {}).flatMap(([name, { location, host }]) => [
      ...one(['stores', name, 'location'], location, 'store-place'),
      ...one(['stores', name, 'host'], host, 'host'),
    ]),
    ...estate.objectives.flatMap((objective, index) =>
      list(['objectives', index, 'components'], objective.components, 'component'),
    ),
    ...Object.entries(estate.recovery ?? {}).flatMap(([scenario, rules]) =>
      rules.flatMap((rule, index) => [
        ...list(['recovery', scenario, index, 'components'], rule.components, 'component'),
        ...list(['recovery', scenario, index, 'stores'], rule.stores, 'store'),
        ...one(['recovery', scenario, index, 'target'], rule.target, 'place'),
      ]),
    ),
    ...list(['maintenance', 'closes'], estate.maintenance?.closes, 'component'),
    ...Object.entries(estate.smokeTests ?? {}).flatMap(([name, { component }]) =>
      one(['smokeTests', name, 'component'], component, 'component'),
    ),
    ...keys(['exclusions'], estate.exclusions, 'component'),
  ]
}

function componentReferences(path: EstatePath, component: ComponentDeclaration): readonly Reference[] {
  const { captures = {}, backups = {} } = component.protection ?? {}
  return [
    ...list([...path, 'dependsOn'], component.dependsOn, 'component'),
    ...Object.entries(captures).flatMap(([name, { stores }]) =>
      list([...path, 'protection', 'captures', name, 'stores'], stores, 'store'),
    ),
    ...Object.entries(backups).flatMap(([name, { stores }]) =>
      list([...path, 'protection', 'backups', name, 'stores'], stores, 'store'),
    ),
    ...(component.replication ?? []).flatMap(({ from, to }, index) => [
      ...one([...path, 'replication', index, 'from'], from, 'region'),
      ...one([...path, 'replication', index, 'to'], to, 'region'),
    ]),
    ...one([...path, 'replay', 'sourceOfTruth'], component.replay?.sourceOfTruth, 'component'),
    ...ownReferences(path, component),
  ]
}

function ownReferences(path: EstatePath, component: ComponentDeclaration): readonly Reference[] {
  switch (component.kind) {
    case 'postgres':
      return Object.entries(component.members).flatMap(([name, { host }]) =>
        one([...path, 'members', name, 'host'], host, 'host'),
      )
    case 'compute':
      return [
        ...component.instances.flatMap(({ host }, index) =>
          one([...path, 'instances', index, 'host'], host, 'host'),
        ),
        ...one([...path, 'placedWith'], component.placedWith, 'component'),
      ]
    case 'gate':
      return [
        ...component.listeners.flatMap(({ host }, index) =>
          one([...path, 'listeners', index, 'host'], host, 'host'),
        ),
        ...one([...path, 'leadsTo'], component.leadsTo, 'component'),
      ]
    default:
      return [
        ...list([...path, 'locations'], component.locations, 'place'),
        ...declaredReferences(path, component),
      ]
  }
}

function declaredReferences(
  path: EstatePath,
  component: Exclude<ComponentDeclaration, { readonly kind: 'postgres' | 'compute' | 'gate' }>,
): readonly Reference[] {
  switch (component.kind) {
    case 'event-store':
      return one([...path, 'storedIn'], component.storedIn, 'component')
    case 'journal':
      return one([...path, 'rebuilds'], component.rebuilds, 'component')
    case 'kubernetes':
      return Object.entries(component.clusters).flatMap(([name, { region }]) =>
        one([...path, 'clusters', name, 'region'], region, 'region'),
      )
    case 'dns':
      return Object.entries(component.dns.records).flatMap(([name, { targets }]) =>
        keys([...path, 'dns', 'records', name, 'targets'], targets, 'region'),
      )
    case 'load-balancer':
      return [
        ...one([...path, 'loadBalancer', 'leadsTo'], component.loadBalancer.leadsTo, 'component'),
        ...keys([...path, 'loadBalancer', 'addresses'], component.loadBalancer.addresses, 'region'),
      ]
    default:
      return []
  }
}
