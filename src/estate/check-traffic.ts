import { ms } from './declared-value.ts'
import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'
import type { ComponentDeclaration } from './component-schema.ts'

/** Gates, records and workloads lead somewhere that can answer. */
export function checkTraffic(estate: EstateDeclaration): readonly EstateProblem[] {
  return Object.entries(estate.components).flatMap(([name, component]) => {
    const path = ['components', name]
    switch (component.kind) {
      case 'gate':
        return [
          ...checkTarget(estate, [...path, 'leadsTo'], component.leadsTo, ['postgres', 'compute']),
          ...checkHealth([...path, 'healthCheck'], component.healthCheck),
        ]
      case 'compute':
        return checkTarget(estate, [...path, 'placedWith'], component.placedWith, ['postgres'])
      case 'event-store':
        return checkTarget(estate, [...path, 'storedIn'], component.storedIn, ['postgres'])
      case 'load-balancer':
        return checkHealth([...path, 'loadBalancer', 'healthCheck'], component.loadBalancer.healthCheck)
      case 'dns':
        return checkDns([...path, 'dns'], component.dns)
      case 'kubernetes':
        return checkWorkloads([...path, 'clusters'], component.clusters)
      default:
        return []
    }
  })
}

function checkTarget(
  estate: EstateDeclaration,
  path: EstatePath,
  name: string | undefined,
  kinds: readonly ComponentDeclaration['kind'][],
): readonly EstateProblem[] {
  const target = name === undefined ? undefined : estate.components[name]
  if (target === undefined || kinds.includes(target.kind)) return []
  return [problem(path, `${name} is of kind ${target.kind}; name a component of kind ${kinds.join(' or ')}`)]
}

type GateDeclaration = Extract<ComponentDeclaration, { readonly kind: 'gate' }>

function checkHealth(path: EstatePath, check: GateDeclaration['healthCheck']): readonly EstateProblem[] {
  if (check === undefined || ms(check.timeout) <= ms(check.every)) return []
  return [problem([...path, 'timeout'], `longer than every ${check.every}; write a shorter time-out`)]
}

type DnsDeclaration = Extract<ComponentDeclaration, { readonly kind: 'dns' }>['dns']

function checkDns(path: EstatePath, { zone, records }: DnsDeclaration): readonly EstateProblem[] {
  return Object.entries(records).flatMap(([name, { type, ttl, targets }]) => {
    const at = [...path, 'records', name]
    const problems: EstateProblem[] = []
    if (name !== zone && !name.endsWith(`.${zone}`)) {
      problems.push(problem(at, `not a name in the zone ${zone}; write one that ends in .${zone}`, 'key'))
    }
    if (ms(ttl) % 1000 !== 0)
      problems.push(problem([...at, 'ttl'], 'not in whole seconds; DNS has nothing finer'))
    if (Object.keys(targets).length === 0) {
      problems.push(
        problem([...at, 'targets'], 'empty; a record is never empty: name a region and its addresses', 'key'),
      )
    }
    for (const [region, values] of Object.entries(targets)) {
      for (const [index, value] of values.entries()) {
        if (!fits(type, value, values.length)) {
          problems.push(
            problem(
              [...at, 'targets', region, index],
              `not what an ${type} record holds; write ${holds[type]}`,
            ),
          )
        }
      }
    }
    return problems
  })
}

const holds = { A: 'an IPv4 address', AAAA: 'an IPv6 address', CNAME: 'one host name' } as const

function fits(type: keyof typeof holds, value: string, count: number): boolean {
  const isIpv4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(value)
  if (type === 'A') return isIpv4
  if (type === 'AAAA') return value.includes(':')
  return count === 1 && !isIpv4 && !value.includes(':')
}

type Clusters = Extract<ComponentDeclaration, { readonly kind: 'kubernetes' }>['clusters']

function checkWorkloads(path: EstatePath, clusters: Clusters): readonly EstateProblem[] {
  return Object.entries(clusters).flatMap(([cluster, { workloads }]) =>
    Object.entries(workloads).flatMap(([name, { scale, target }]) => {
      const at = [...path, cluster, 'workloads', name]
      if (scale !== undefined && (target < scale.least || target > scale.most)) {
        return [
          problem(
            [...at, 'target'],
            `outside of scale ${scale.least} to ${scale.most}; the autoscaler would undo it: adjust one`,
          ),
        ]
      }
      return []
    }),
  )
}
