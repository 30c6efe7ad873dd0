import type { ClusterFacts, Facts } from '../domain/facts.ts'
import { isBuilt } from './built-recoveries.ts'
import { captureReadiness } from './capture-readiness.ts'
import { copiesReadiness } from './copies-readiness.ts'
import type { Component, Estate, PostgresComponent } from './estate.ts'
import { assess, excludedComponents, objectiveLabel } from './feasibility.ts'
import type { Known, Verdict } from './verdict.ts'

/**
 * Whether a component would come back as promised. UNKNOWN is a colour of its own: nothing that was not observed is green (law 7). RED is
 * certain; AMBER is a promise without proof.
 */
export interface Readiness {
  readonly component: string
  readonly colour: Colour
  readonly reason: string
}

export type Colour = 'RED' | 'UNKNOWN' | 'AMBER' | 'GREEN'

/** Pure; in the order of declaration. Facts must be fresh: stale ones are left out by the caller. */
export function readiness(estate: Estate, known: Known = {}): readonly Readiness[] {
  const verdicts = Map.groupBy(assess(estate, known), ({ component }) => component)
  const excluded = excludedComponents(estate, known.nowMs)
  return estate.components.map((component) => {
    const { colour, reason } = judge(component, verdicts.get(component.name) ?? [], excluded, known)
    return { component: component.name, colour, reason }
  })
}

const order: readonly Colour[] = ['RED', 'UNKNOWN', 'AMBER', 'GREEN']

/** The colour of several is that of the worst. */
export function worstColour(colours: readonly Colour[]): Colour {
  return order.find((colour) => colours.includes(colour)) ?? 'UNKNOWN'
}

type Seen = Pick<Readiness, 'colour' | 'reason'>

function judge(
  component: Component,
  verdicts: readonly Verdict[],
  excluded: ReadonlySet<string>,
  known: Known,
): Seen {
  if (excluded.has(component.name)) return amber('excluded: nobody promised to recover it')
  if (component.unprotected === true) return red('no policy: nothing says how it comes back')
  const refuted = verdicts.find(({ verdict }) => verdict === 'REFUTED')
  if (refuted !== undefined) return red(`${refuted.scenario}, ${objectiveLabel(refuted)}: ${refuted.why}`)
  if (!isBuilt(component.kind)) return amber('not yet recoverable by this version')
  const blind = known.blind?.get(component.id)
  if (blind !== undefined) return red(`the control plane is blind to it, nothing starts by itself: ${blind}`)
  const observed = worse(
    observe(component, known.facts),
    copiesReadiness(component, known.copies, known.overdue),
  )
  if (observed !== undefined) return observed
  if (verdicts.length === 0) return amber('no objective covers it')
  const unproven = verdicts.find(({ verdict }) => verdict === 'UNPROVEN')
  if (unproven !== undefined)
    return amber(`${unproven.scenario}, ${objectiveLabel(unproven)}: ${unproven.why}`)
  return { colour: 'GREEN', reason: 'every objective is proven, and everything needed for it answers' }
}

/** The first of two that are equally bad. */
function worse(one: Seen | undefined, other: Seen | undefined): Seen | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return order.indexOf(other.colour) < order.indexOf(one.colour) ? other : one
}

/** What is wrong or not known now; undefined when everything that a recovery needs was seen. */
function observe(component: Component, facts: Facts | undefined): Seen | undefined {
  if (facts === undefined) return unknown('nothing was observed')
  switch (component.kind) {
    case 'postgres':
      return observeDatabase(component, facts)
    case 'gate': {
      const own = facts.gates.filter((gate) => gate.component === component.id)
      const { maintenance } = facts
      if (maintenance?.on === true && maintenance.gates.includes(component.id))
        return amber('maintenance: it keeps clients out')
      return observeShare(component.listeners.length, own.filter(({ reachable }) => reachable).length)
    }
    case 'compute': {
      const own = facts.instances.filter((instance) => instance.component === component.id)
      const answering = own.filter(({ reachable }) => reachable)
      const share = observeShare(component.instances.length, answering.length)
      if (share?.colour === 'UNKNOWN' || answering.some(({ running }) => running)) return share
      return red('no instance runs')
    }
    default:
      return undefined
  }
}

function observeDatabase(component: PostgresComponent, facts: Facts): Seen | undefined {
  const cluster = facts.clusters.find((one) => one.component === component.id)
  if (cluster === undefined) return unknown('its members were not observed')
  const members = observeCluster(component, cluster)
  // Where members alone keep writes waiting, letting the archive go would not help.
  if (members?.colour === 'RED') return members
  return worse(captureReadiness(component, cluster, facts.copies), members)
}

function observeShare(declared: number, answering: number): Seen | undefined {
  if (answering === 0) return unknown('none of its places answers')
  return answering < declared ? amber(`${answering} of ${declared} places answer`) : undefined
}

function observeCluster(component: PostgresComponent, cluster: ClusterFacts): Seen | undefined {
  if (cluster.leader === '') return unknown('it has not been adopted: run `pointzero plan adoption`')
  const leader = cluster.members.find(({ member }) => member === cluster.leader)
  if (leader === undefined || !leader.reachable || leader.role === 'unknown')
    return unknown('its primary does not answer')
  if (leader.role !== 'primary') return red(`${leader.name} should be primary and is ${leader.role}`)
  const others = cluster.members.filter(
    ({ role, member, reachable }) => reachable && role === 'primary' && member !== cluster.leader,
  )
  if (others.length > 0) return red(`${others.map(({ name }) => name).join(', ')} also runs as primary`)
  const foreign = cluster.members.find(
    ({ reachable, systemIdentifier }) => reachable && systemIdentifier !== cluster.systemIdentifier,
  )
  if (foreign !== undefined) return red(`${foreign.name} holds another database`)
  return observeStandbys(component, cluster)
}

function observeStandbys({ policy }: PostgresComponent, cluster: ClusterFacts): Seen | undefined {
  const named = cluster.members.filter(({ name }) => cluster.publishedSync.includes(name))
  const receiving = named.filter(({ reachable, receiving }) => reachable && receiving).length
  const count = policy.synchronousCount
  if (cluster.publishedCount === 0 && count > 0)
    return red('one copy: commits wait for nobody, bring a standby back with `pointzero run reprotect`')
  if (receiving < count) return red(`${receiving} standbys receive, commits need ${count}: writes stall`)
  if (count > 0 && receiving === count) return amber('no standby to spare: losing one more stalls writes')
  const silent = cluster.members.filter(({ reachable }) => !reachable).map(({ name }) => name)
  return silent.length > 0 ? amber(`${silent.join(', ')} does not answer`) : undefined
}

function red(reason: string): Seen {
  return { colour: 'RED', reason }
}

function amber(reason: string): Seen {
  return { colour: 'AMBER', reason }
}

function unknown(reason: string): Seen {
  return { colour: 'UNKNOWN', reason }
}
