import { clusters, computePlacedWith, hostNamed } from './estate-lookup.ts'
import type { Estate, GateComponent } from './estate.ts'

/**
 * Where the gate should lead when those members lead their clusters: `address:port`. Undefined where nothing of that follows its leader, or
 * nobody leads it.
 */
export function gateTarget(
  estate: Estate,
  gate: GateComponent,
  leaderOf: (cluster: string) => string | undefined,
): string | undefined {
  for (const cluster of clusters(estate)) {
    const member = cluster.members.find(({ id }) => id === leaderOf(cluster.id))
    if (member === undefined) continue
    const { address } = hostNamed(estate, member.host)
    if (gate.leadsTo === cluster.name) return `${address}:${member.port}`
    const compute = computePlacedWith(estate, cluster.name).find(({ name }) => name === gate.leadsTo)
    const place = compute?.instances.find(({ host }) => host === member.host)
    if (place !== undefined) return `${address}:${place.port}`
  }
  return undefined
}
