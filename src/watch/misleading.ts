import { computePlacedWith, gatesTo, hostNamed } from '../estate/estate-lookup.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import type { SynchronousRule } from '../domain/synchronous-rule.ts'
import { publishedMembers } from '../estate/published-rule.ts'
import type { Estate, PostgresComponent } from '../estate/estate.ts'
import type { AgentView } from '../agent/wire.ts'

/**
 * Where clients of the cluster are not led as they should be: a gate that leads nowhere or elsewhere (its agent was started again, or a
 * run ended before it got there), an application that is not ready beside the leader, a synchronous rule that is not the published one. '' when all is well. Pure.
 */
export function misleading(
  estate: Estate,
  cluster: PostgresComponent,
  record: Pick<LeaderRecord, 'member' | 'publishedSync' | 'publishedCount'>,
  viewOf: (host: string) => AgentView | undefined,
): string {
  const member = cluster.members.find(({ id }) => id === record.member)
  // A leader that is not declared any more is the detector's to name.
  if (member === undefined) return ''
  const home = hostNamed(estate, member.host)
  const wrongRule = unlikeRecord(record, member.name, loadedRule(viewOf(home.id), member.id))
  if (wrongRule !== '') return wrongRule
  const wanted = cluster.policy.synchronousCount
  const { names, count } = publishedMembers(cluster, record)
  if (names.length >= wanted && wanted > count && names.length > 0)
    return `the record promises ${count} acknowledgements, the policy ${wanted}`
  const wrongGate = (leadsTo: string, target: string): string => {
    for (const gate of gatesTo(estate, leadsTo)) {
      for (const { host } of gate.listeners) {
        const seen = viewOf(hostNamed(estate, host).id)?.gates.find(({ component }) => component === gate.id)
        if (seen !== undefined && seen.target !== target)
          return `${gate.name} on ${host} leads to ${seen.target === '' ? 'nowhere' : seen.target}, not to ${target}`
      }
    }
    return ''
  }
  const wrong = wrongGate(cluster.name, `${home.address}:${member.port}`)
  if (wrong !== '') return wrong
  for (const compute of computePlacedWith(estate, cluster.name)) {
    const place = compute.instances.find(({ host }) => host === member.host)
    if (place === undefined) continue
    const seen = viewOf(home.id)?.instances.find(({ component }) => component === compute.id)
    if (seen !== undefined && !seen.ready) return `${compute.name} is not ready beside ${member.name}`
    const wrongApplication = wrongGate(compute.name, `${home.address}:${place.port}`)
    if (wrongApplication !== '') return wrongApplication
  }
  return ''
}

/** Fewer acknowledgements than the record says would void what failovers and restores take from it; more are safe, and a run may be about to say so. */
function unlikeRecord(
  { publishedSync, publishedCount }: Pick<LeaderRecord, 'publishedSync' | 'publishedCount'>,
  member: string,
  loaded: SynchronousRule | undefined,
): string {
  if (loaded === undefined) return ''
  const names = [...loaded.names].sort().join(', ')
  if (names !== [...publishedSync].sort().join(', '))
    return `${member} waits for ${names === '' ? 'nobody' : names}, published are ${publishedSync.join(', ')}`
  if (loaded.count >= publishedCount) return ''
  return `${member} waits for ${loaded.count} of ${names}, the record promises ${publishedCount}`
}

function loadedRule(view: AgentView | undefined, member: string): SynchronousRule | undefined {
  const seen = view?.members.find((candidate) => candidate.member === member)?.observation
  if (seen?.role !== 'primary' || seen.syncNames === undefined) return undefined
  return { names: seen.syncNames, count: seen.syncCount ?? 0 }
}
