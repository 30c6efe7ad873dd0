import { problem } from './estate-problem.ts'
import type { EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'

/** A store that a host keeps is a directory of that host, and lies where the host is: otherwise it counts as surviving what takes it. */
export function checkStores(estate: EstateDeclaration): readonly EstateProblem[] {
  return Object.entries(estate.stores ?? {}).flatMap(([name, { kind, host, location }]) => {
    if (host === undefined) return []
    const path = ['stores', name, 'host']
    if (kind !== 'file')
      return [problem(path, `a store of kind ${kind} is kept by no host; leave it out, or write kind: file`)]
    const zone = estate.hosts[host]?.zone
    const home = Object.entries(estate.regions).find(([, { zones }]) => zones.includes(zone ?? ''))?.[0]
    if (home === undefined || home === location) return []
    return [
      problem(path, `host ${host} is in region ${home}, the store in ${location}; write the same place`),
    ]
  })
}
