import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'
import type { PostgresDeclaration } from './component-schema.ts'
import type { EstateDeclaration } from './estate-schema.ts'

/** No two things listen on one address and port or write into one directory; enough members stand behind the synchronous rule. */
export function checkPlaces(estate: EstateDeclaration): readonly EstateProblem[] {
  return [
    ...checkListeners(estate),
    ...checkDirectories(estate),
    ...Object.entries(estate.components).flatMap(([name, component]) =>
      component.kind === 'postgres' ? checkMembers(estate, ['components', name], component) : [],
    ),
  ]
}

interface Listener {
  readonly path: EstatePath
  readonly host: string
  readonly port: number
  readonly label: string
}

function checkListeners(estate: EstateDeclaration): readonly EstateProblem[] {
  const holders = new Map<string, string>()
  return listeners(estate).flatMap(({ path, host, port, label }) => {
    const address = estate.hosts[host]?.address
    if (address === undefined) return []
    const place = `${address.toLowerCase()} ${port}`
    const holder = holders.get(place)
    if (holder !== undefined) {
      return [
        problem(
          path,
          `port ${port} of host ${host} is taken by ${holder}; give one of them another port or host`,
        ),
      ]
    }
    holders.set(place, label)
    return []
  })
}

function listeners(estate: EstateDeclaration): readonly Listener[] {
  const { controlPlane } = estate
  return [
    ...Object.entries(estate.hosts).map(([host, { agentPort }]) => ({
      path: ['hosts', host, 'agentPort'],
      host,
      port: agentPort,
      label: `the agent of host ${host}`,
    })),
    { path: ['controlPlane', 'port'], ...controlPlane, label: 'the control plane' },
    ...Object.entries(estate.components).flatMap(([name, component]): readonly Listener[] => {
      const path = ['components', name]
      if (component.kind === 'postgres') {
        return Object.entries(component.members).map(([member, { host, port }]) => ({
          path: [...path, 'members', member, 'port'],
          host,
          port,
          label: `member ${member}`,
        }))
      }
      if (component.kind !== 'compute' && component.kind !== 'gate') return []
      const key = component.kind === 'compute' ? 'instances' : 'listeners'
      const endpoints = component.kind === 'compute' ? component.instances : component.listeners
      return endpoints.map((endpoint, index) => ({
        path: [...path, key, index, 'port'],
        ...endpoint,
        label: `component ${name}`,
      }))
    }),
  ]
}

interface Directory {
  readonly path: EstatePath
  readonly directory: string
  readonly member: string
}

/** One inside the other is as bad as the same one: a re-clone of the outer would take the inner with it. */
function checkDirectories(estate: EstateDeclaration): readonly EstateProblem[] {
  const onHost = new Map<string, Directory[]>()
  for (const [name, component] of Object.entries(estate.components)) {
    if (component.kind !== 'postgres') continue
    for (const [member, { host, dataDirectory }] of Object.entries(component.members)) {
      const path = ['components', name, 'members', member, 'dataDirectory']
      const directory = `${dataDirectory.replaceAll(/\/+/g, '/').replace(/\/$/, '')}/`
      const directories = onHost.get(host)
      if (directories === undefined) onHost.set(host, [{ path, directory, member }])
      else directories.push({ path, directory, member })
    }
  }
  return [...onHost.values()].flatMap((directories) =>
    directories.flatMap(({ path, directory }, index) => {
      const other = directories
        .slice(0, index)
        .find((earlier) => directory.startsWith(earlier.directory) || earlier.directory.startsWith(directory))
      if (other === undefined) return []
      return [
        problem(
          path,
          `shares its directory with member ${other.member} on the same host; give it a directory of its own`,
        ),
      ]
    }),
  )
}

function checkMembers(
  estate: EstateDeclaration,
  path: EstatePath,
  { members, policy }: PostgresDeclaration,
): readonly EstateProblem[] {
  const names = Object.keys(members)
  if (names.length === 0) return [problem([...path, 'members'], 'no member; declare at least one', 'key')]
  const acknowledging = Object.values(members).filter(({ synchronous }) => synchronous)
  const count = policy?.synchronousCount ?? 0
  const problems: EstateProblem[] = []
  if (acknowledging.length === 0) {
    problems.push(
      problem(
        [...path, 'members'],
        'no member may lead: all say synchronous: false; let at least one',
        'key',
      ),
    )
  }
  if (count > 0 && acknowledging.length < count + 1) {
    const has = `there ${acknowledging.length === 1 ? 'is 1' : `are ${acknowledging.length}`}`
    problems.push(
      problem(
        [...path, 'policy', 'synchronousCount'],
        `${count} acknowledging standbys and a primary need ${count + 1} members that may acknowledge, ${has}; add members or lower it`,
      ),
    )
  }
  for (const [name, { host }] of Object.entries(members)) {
    if (estate.hosts[host]?.zone === 'outside') {
      problems.push(
        problem(
          [...path, 'members', name, 'host'],
          `host ${host} is outside of every zone; a member belongs to a zone`,
        ),
      )
    }
  }
  return problems
}
