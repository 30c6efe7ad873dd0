import type { PostgresDeclaration } from './component-schema.ts'
import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'

/** A link between two different regions; "synchronous" is believed of a database only when its quorum makes it true. */
export function checkReplication(estate: EstateDeclaration): readonly EstateProblem[] {
  const regionOfZone = new Map(
    Object.entries(estate.regions).flatMap(([region, { zones }]) =>
      zones.map((zone) => [zone, region] as const),
    ),
  )
  return Object.entries(estate.components).flatMap(([name, component]) =>
    (component.replication ?? []).flatMap(({ from, to, mode }, index) => {
      const path = ['components', name, 'replication', index]
      if (from === to) return [problem([...path, 'to'], `both ends are ${from}; name another region`)]
      if (mode === 'asynchronous' || component.kind !== 'postgres') return []
      const regions = acknowledgingRegions(estate, component, regionOfZone)
      return checkQuorum([...path, 'mode'], component.policy?.synchronousCount ?? 0, { from, to, regions })
    }),
  )
}

function acknowledgingRegions(
  estate: EstateDeclaration,
  { members }: PostgresDeclaration,
  regionOfZone: ReadonlyMap<string, string>,
): readonly string[] {
  return Object.values(members)
    .filter(({ synchronous }) => synchronous)
    .map(({ host }) => regionOfZone.get(estate.hosts[host]?.zone ?? '') ?? '')
}

/** ANY n leaves a region only when fewer than n of the other acknowledging members are in it. */
function checkQuorum(
  path: EstatePath,
  count: number,
  { from, to, regions }: { readonly from: string; readonly to: string; readonly regions: readonly string[] },
): readonly EstateProblem[] {
  const needed = regions.filter((region) => region === from).length
  if (!regions.includes(to)) {
    return [
      problem(
        path,
        `no member in ${to} may acknowledge; let one (leave synchronous: false out), or write asynchronous`,
      ),
    ]
  }
  if (count >= Math.max(1, needed)) return []
  const change = `set policy.synchronousCount to ${Math.max(1, needed)} or more, or write asynchronous`
  return [problem(path, `ANY ${count} can be met without leaving ${from}; ${change}`)]
}
