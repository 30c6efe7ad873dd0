import type { ComponentDeclaration } from './component-schema.ts'
import { dataKinds } from './declared-component.ts'
import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'

/** Two active regions are a question about every data set, and an estate that leaves it open is refused. */
export function checkDatasets(estate: EstateDeclaration): readonly EstateProblem[] {
  const active = Object.entries(estate.regions)
    .filter(([, { role }]) => role === 'active')
    .map(([name]) => name)
  return Object.entries(estate.components).flatMap(([name, component]) => {
    const path = ['components', name]
    return [...checkPresence(estate, active, path, component), ...checkChoices(path, component)]
  })
}

function checkPresence(
  estate: EstateDeclaration,
  active: readonly string[],
  path: EstatePath,
  component: ComponentDeclaration,
): readonly EstateProblem[] {
  if (active.length < 2 || !dataKinds.has(component.kind) || component.datasets !== undefined) return []
  const held = regionsOf(estate, component)
  const where = active.filter((region) => held.has(region))
  if (where.length < 2) return []
  return [
    problem(
      [...path, 'datasets'],
      `it lives in ${where.length} active regions (${where.join(', ')}) and does not say who may write what; add datasets with writes, replication and conflict`,
    ),
  ]
}

/** Regions that hold a part of the component. */
function regionsOf(estate: EstateDeclaration, component: ComponentDeclaration): ReadonlySet<string> {
  const ofZone = new Map(
    Object.entries(estate.regions).flatMap(([region, { zones }]) =>
      zones.map((zone) => [zone, region] as const),
    ),
  )
  const hosts =
    component.kind === 'postgres'
      ? Object.values(component.members).map(({ host }) => host)
      : component.kind === 'compute'
        ? component.instances.map(({ host }) => host)
        : component.kind === 'gate'
          ? component.listeners.map(({ host }) => host)
          : []
  const zones = hosts.map((host) => estate.hosts[host]?.zone ?? '')
  const places = 'locations' in component ? component.locations : zones
  return new Set(places.map((place) => ofZone.get(place) ?? place))
}

function checkChoices(path: EstatePath, component: ComponentDeclaration): readonly EstateProblem[] {
  return Object.entries(component.datasets ?? {}).flatMap(([name, choice]) => {
    const at = [...path, 'datasets', name]
    const { writes, home, replication, conflict, onPartition } = choice
    const needsConflict = writes === 'every-region' && replication === 'asynchronous'
    const needsPartition = replication === 'synchronous'
    const problems: EstateProblem[] = []
    if (writes === 'one-region' && home === undefined) {
      problems.push(
        problem([...at, 'home'], 'missing; name the region that writes, or the key that chooses it'),
      )
    }
    if (writes === 'every-region' && home !== undefined) {
      problems.push(problem([...at, 'home'], 'every region writes, so none is home; leave it out', 'key'))
    }
    if (needsConflict && conflict === undefined) {
      const choices = 'last-writer-wins, first-writer-wins, merge or keep-both-and-report'
      problems.push(
        problem(
          [...at, 'conflict'],
          `missing: regions that write without waiting for each other conflict; write ${choices}`,
        ),
      )
    }
    if (!needsConflict && conflict !== undefined) {
      problems.push(problem([...at, 'conflict'], 'nothing can conflict here; leave it out', 'key'))
    }
    if (needsPartition && onPartition === undefined) {
      problems.push(
        problem(
          [...at, 'onPartition'],
          'missing: a synchronous write waits for a region that may be cut off; write stop or continue-asynchronously',
        ),
      )
    }
    if (!needsPartition && onPartition !== undefined) {
      problems.push(
        problem([...at, 'onPartition'], 'asynchronous writes wait for nobody; leave it out', 'key'),
      )
    }
    return problems
  })
}
