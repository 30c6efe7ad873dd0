import type { ClusterFacts, CopiesFacts } from '../domain/facts.ts'
import type { CopiesSeen } from './copies-readiness.ts'
import type { PostgresComponent } from './estate.ts'
import { publishedCaptures, synchronousCaptures } from './published-rule.ts'

const off = '`pointzero plan synchronous-capture --param switch=off`'

/**
 * A capture that is declared to hold what is confirmed: whether commits wait for it, and whether it lets them go on. Undefined when it does both,
 * when none is declared, and when the primary is not seen, which others say. Pure.
 */
export function captureReadiness(
  component: PostgresComponent,
  cluster: ClusterFacts,
  copies: readonly CopiesFacts[] = [],
): CopiesSeen | undefined {
  const [declared] = synchronousCaptures(component)
  const leader = cluster.members.find(({ member }) => member === cluster.leader)
  if (declared === undefined || leader?.reachable !== true || leader.role !== 'primary') return undefined
  const { name } = declared
  if (publishedCaptures(component, cluster).length === 0)
    return amber(
      `commits do not wait for ${name}, which is declared synchronous: \`pointzero plan synchronous-capture --param switch=on\``,
    )
  const kept = copies.find((one) => one.component === component.id && one.keeps.includes('archive'))
  const { applicationName, from, connections = 0 } = kept?.capture ?? {}
  if (connections > 1)
    return amber(`${connections} connections stream as ${name}, and each counts: end all but the capture's`)
  if (connections === 1 && kept?.reachable === true && from === cluster.leader && applicationName === name)
    return undefined
  if (connections === 1 && kept?.reachable !== true)
    return { colour: 'UNKNOWN', reason: `${name} receives, and its host does not say whether it is sound` }
  const confirming = cluster.members.filter(
    (one) => cluster.publishedSync.includes(one.name) && one.reachable && one.receiving,
  ).length
  return confirming < cluster.publishedCount
    ? { colour: 'RED', reason: `commits wait for ${name}, which does not receive: ${off}` }
    : amber(`${name} does not receive: losing a standby too makes commits wait for it, unless ${off}`)
}

function amber(reason: string): CopiesSeen {
  return { colour: 'AMBER', reason }
}
