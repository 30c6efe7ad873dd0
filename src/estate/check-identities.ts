import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'

/** Words that stand for something else wherever a zone, region, store or host may be named. */
const reservedNames = new Set(['outside', 'offsite', 'control', 'estate', 'none', 'all'])

/** Ids are unique in the estate; names of places mean one place. */
export function checkIdentities(estate: EstateDeclaration): readonly EstateProblem[] {
  return [...checkIds(estate), ...checkPlaceNames(estate)]
}

function checkIds(estate: EstateDeclaration): readonly EstateProblem[] {
  const problems: EstateProblem[] = []
  const holders = new Map<string, string>()
  const claim = (id: string, path: EstatePath, label: string) => {
    const holder = holders.get(id)
    if (holder === undefined) holders.set(id, label)
    else
      problems.push(
        problem([...path, 'id'], `the id of ${holder} too; an id names one thing for ever: make a new one`),
      )
  }
  for (const [name, { id }] of Object.entries(estate.hosts)) claim(id, ['hosts', name], `host ${name}`)
  for (const [name, component] of Object.entries(estate.components)) {
    claim(component.id, ['components', name], `component ${name}`)
    if (component.kind !== 'postgres') continue
    for (const [member, { id }] of Object.entries(component.members)) {
      claim(id, ['components', name, 'members', member], `member ${member}`)
    }
  }
  return problems
}

function checkPlaceNames(estate: EstateDeclaration): readonly EstateProblem[] {
  const problems: EstateProblem[] = []
  const places = new Map<string, string>()
  const claim = (name: string, path: EstatePath, part: 'key' | 'value', label: string) => {
    const holder = places.get(name)
    if (reservedNames.has(name))
      problems.push(problem(path, `${name} has a meaning of its own; choose another name`, part))
    else if (holder !== undefined)
      problems.push(problem(path, `${name} is the name of ${holder} too; choose another name`, part))
    else places.set(name, label)
  }
  for (const name of Object.keys(estate.regions)) claim(name, ['regions', name], 'key', 'a region')
  for (const [name, region] of Object.entries(estate.regions)) {
    for (const [index, zone] of region.zones.entries()) {
      claim(zone, ['regions', name, 'zones', index], 'value', `a zone of ${name}`)
    }
  }
  for (const name of Object.keys(estate.hosts)) {
    if (reservedNames.has(name)) {
      problems.push(problem(['hosts', name], `${name} has a meaning of its own; choose another name`, 'key'))
    }
  }
  if (Object.keys(estate.components).length === 0) {
    problems.push(
      problem(['components'], 'an estate without components; declare what is to be recovered', 'key'),
    )
  }
  if (!Object.values(estate.regions).some(({ role }) => role === 'active')) {
    problems.push(problem(['regions'], 'no active region; give one of them role: active', 'key'))
  }
  return problems
}
