import type { Scenario } from '../domain/scenario.ts'
import { dataKinds, queueKinds } from './declared-component.ts'
import { formatDuration } from './duration.ts'
import type { Component, PostgresComponent } from './estate.ts'
import { exposureBounds } from './exposure-bound.ts'
import type { ExposureBound } from './exposure-bound.ts'
import { acknowledgementRule } from './survivors.ts'
import type { EstateMap } from './survivors.ts'
import type { Judgement } from './verdict.ts'

/** Whether the declared topology and schedules can keep a recovery point objective at all. Undefined: it holds no data. */
export function judgeRecoveryPoint(
  map: EstateMap,
  component: Component,
  scenario: Scenario,
  rpoMs: number,
): Judgement | undefined {
  if (!dataKinds.has(component.kind)) return undefined
  const bounds = exposureBounds(map, component, scenario)
  if (scenario === 'corruption') return judgeCorruption(component, bounds, rpoMs)
  const [best] = bounds
  if (best === undefined) {
    return refuted(`nothing holds its data after a ${scenario}`, missingCopy(map, component, scenario, rpoMs))
  }
  if (best.ms === undefined) {
    if (rpoMs > 0) return open(`${best.by} has no limit that is watched`, 'add alarmLag to its replication')
    return refuted(
      `${best.by} loses what was acknowledged last`,
      missingCopy(map, component, scenario, rpoMs),
    )
  }
  if (best.ms > rpoMs) {
    const loses = `up to ${formatDuration(best.ms)} are lost, ${formatDuration(rpoMs)} are allowed: the newest copy left is ${best.by}`
    return refuted(loses, missingCopy(map, component, scenario, rpoMs))
  }
  return open(promise(best), `drill ${scenario} and measure it`)
}

function promise({ ms, by, watched }: ExposureBound): string {
  if (ms === 0) return `by design nothing acknowledged is lost: ${by}`
  const condition = watched === true ? ' while it keeps up' : ''
  return `by design at most ${formatDuration(ms ?? 0)} are lost${condition}: ${by}`
}

/**
 * Recovering to before the corruption gives up every write after it, good ones too. Only somebody who can replay those makes that
 * less than the time until the corruption is found.
 */
function judgeCorruption(component: Component, bounds: readonly ExposureBound[], rpoMs: number): Judgement {
  const { captures = [], backups = [] } = component.protection ?? {}
  const source = component.replay?.sourceOfTruth
  const change = `add protection.captures.${captureName(component)} with maxLag at most ${formatDuration(rpoMs)}`
  if (captures.length + backups.length === 0 && source === undefined) {
    return refuted('a standby repeats the corruption, and there is no other copy', change)
  }
  if (rpoMs === 0 && source === undefined && captures.every(({ of }) => of !== 'blocks' && of !== 'events')) {
    return refuted(
      'recovering to a point before the corruption gives up every write after that point',
      'name replay.sourceOfTruth (a journal or event store that replays them), or state the rpo that is meant',
    )
  }
  const [best] = bounds
  if (captures.length === 0 && best?.ms !== undefined && best.ms > rpoMs) {
    return refuted(
      `up to ${formatDuration(best.ms)} are lost, ${formatDuration(rpoMs)} are allowed: the points to recover to are ${best.by}`,
      change,
    )
  }
  const found =
    source === undefined
      ? `the corruption is found within ${formatDuration(rpoMs)}`
      : `${source} replays every good write`
  return open(`it holds only if ${found}`, 'drill corruption and measure it')
}

function missingCopy(map: EstateMap, component: Component, scenario: Scenario, rpoMs: number): string {
  if (component.kind === 'postgres') return missingMember(map, component, scenario, rpoMs)
  if (queueKinds.has(component.kind)) {
    return 'name replay.sourceOfTruth (an outbox or event store that can publish again), or capture messages continuously'
  }
  return missingCapture(component, scenario, rpoMs)
}

function missingMember(
  map: EstateMap,
  cluster: PostgresComponent,
  scenario: Scenario,
  rpoMs: number,
): string {
  if (rpoMs > 0) return missingCapture(cluster, scenario, rpoMs)
  const rule = acknowledgementRule(map, cluster, scenario)
  if (rule === undefined) return missingCapture(cluster, scenario, rpoMs)
  const path = `components.${cluster.name}`
  if (rule.needed !== undefined) {
    return `set ${path}.policy.synchronousCount to ${rule.needed}: then no commit is known in ${rule.exampleLost} only`
  }
  const ownCount = cluster.members.filter(({ synchronous }) => synchronous !== false).length
  const far = cluster.members.filter(({ synchronous }) => synchronous === false).map(({ name }) => name)
  const who =
    far.length > 0
      ? `let ${far.join(', ')} acknowledge`
      : `add an acknowledging member outside of ${rule.exampleLost}`
  const wait =
    scenario === 'region-loss' ? `, which makes every commit wait for the other region${roundTrip(map)}` : ''
  return `${who} and set ${path}.policy.synchronousCount to ${ownCount}${wait}; or state the rpo that is meant for ${scenario}`
}

function roundTrip({ estate }: EstateMap): string {
  const [link] = estate.links ?? []
  return link === undefined ? '' : ` (${link.roundTripMs} ms)`
}

function missingCapture(component: Component, scenario: Scenario, rpoMs: number): string {
  const where = {
    'component-loss': 'a store',
    'zone-loss': 'a store',
    corruption: 'a store',
    'region-loss': 'a store in another region',
    'estate-loss': 'an offsite store',
  }[scenario]
  const how = rpoMs === 0 ? 'synchronous: true' : `maxLag at most ${formatDuration(rpoMs)}`
  return `add protection.captures.${captureName(component)} to ${where} with ${how}`
}

function captureName(component: Component): string {
  switch (component.kind) {
    case 'postgres':
      return 'wal'
    case 'journal':
      return 'blocks'
    case 'event-store':
      return 'events'
    case 'redis':
      return 'commands'
    default:
      return 'messages'
  }
}

function refuted(why: string, smallestChange: string): Judgement {
  return { refuted: true, why, smallestChange }
}

function open(why: string, smallestChange: string): Judgement {
  return { refuted: false, why, smallestChange }
}
