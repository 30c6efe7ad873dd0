import type { Scenario } from '../domain/scenario.ts'
import { zonesOf } from './component-zones.ts'
import { formatDuration } from './duration.ts'
import type { Component } from './estate.ts'
import type { Backup, Capture } from './protection.ts'
import { acknowledgementRule, homeRegions, storeSurvives } from './survivors.ts'
import type { EstateMap } from './survivors.ts'

/** A mechanism that limits what a scenario can take, by design, and by how much. `undefined` ms: it promises no limit. */
export interface ExposureBound {
  readonly ms: number | undefined
  readonly by: string
  /** It holds while the mechanism keeps up; an alarm says when it does not. */
  readonly watched?: true
}

/** Every mechanism that would still hold data of the component after the scenario, the best first. */
export function exposureBounds(
  map: EstateMap,
  component: Component,
  scenario: Scenario,
): readonly ExposureBound[] {
  return collect(map, component, scenario, new Set()).toSorted(
    (left, right) => (left.ms ?? Number.MAX_SAFE_INTEGER) - (right.ms ?? Number.MAX_SAFE_INTEGER),
  )
}

/** `seen`: sources of truth may name each other; each is asked once. */
function collect(
  map: EstateMap,
  component: Component,
  scenario: Scenario,
  seen: Set<string>,
): readonly ExposureBound[] {
  seen.add(component.name)
  const homes = homeRegions(map, zonesOf(map.hostZones, component))
  const perHome = (homes.length === 0 ? [''] : homes).map((home) => stored(map, component, scenario, home))
  // Any home may be the one that is lost: what counts is the worst of them.
  const [worst = []] = perHome.toSorted((left, right) => best(right) - best(left))
  return [...acknowledged(map, component, scenario), ...worst, ...elsewhere(map, component, scenario, seen)]
}

function best(bounds: readonly ExposureBound[]): number {
  return Math.min(Number.MAX_SAFE_INTEGER, ...bounds.map(({ ms }) => ms ?? Number.MAX_SAFE_INTEGER))
}

function acknowledged(map: EstateMap, component: Component, scenario: Scenario): readonly ExposureBound[] {
  if (component.kind !== 'postgres') return []
  const rule = acknowledgementRule(map, component, scenario)
  if (rule === undefined || rule.needed === undefined || rule.count < rule.needed) return []
  return [{ ms: 0, by: `every commit is acknowledged outside of its ${rule.place} (ANY ${rule.count})` }]
}

function stored(
  map: EstateMap,
  component: Component,
  scenario: Scenario,
  home: string,
): readonly ExposureBound[] {
  const { captures = [], backups = [] } = component.protection ?? {}
  const survives = (store: string) => storeSurvives(map, store, scenario, home)
  const captured = captures
    .filter(({ stores }) => stores.some(survives))
    .map((capture) => capturedBound(component, capture))
  const copied = backups
    .filter(({ stores }) => stores.some(survives))
    .map((backup) => ({ ms: oldestMs(backup, backups), by: `backup ${backup.name}, every ${backup.every}` }))
  return [...captured, ...copied, ...replicated(component, scenario, home)]
}

function capturedBound(component: Component, capture: Capture): ExposureBound {
  const { name, synchronous, maxLagMs } = capture
  if (!synchronous)
    return { ms: maxLagMs, by: `capture ${name}, at most ${formatDuration(maxLagMs)} behind`, watched: true }
  if (isWaitedFor(component, capture)) return { ms: 0, by: `capture ${name} acknowledges` }
  const by = `capture ${name}, which some commits do without`
  return maxLagMs === 0 ? { ms: undefined, by } : { ms: maxLagMs, by, watched: true }
}

/** `ANY n` can not name one that is always among them: a commit waits for the archive only where it waits for every other name too. */
function isWaitedFor(component: Component, { of }: Capture): boolean {
  if (component.kind !== 'postgres' || of !== 'wal') return true
  const others = component.members.filter(({ synchronous }) => synchronous !== false).length - 1
  return component.policy.synchronousCount >= others
}

/** Just before the next one: a copy carries the age of what it copies on top of its own. */
function oldestMs(backup: Backup, backups: readonly Backup[]): number {
  const source = backups.find(({ name }) => name === backup.copyOf)
  return backup.everyMs + (source === undefined || source === backup ? 0 : oldestMs(source, backups))
}

/** Another region holds it; corruption reaches every standby as fast as any other write. */
function replicated(component: Component, scenario: Scenario, home: string): readonly ExposureBound[] {
  if (scenario !== 'region-loss' || component.kind === 'postgres')
    return replicatedMembers(component, scenario, home)
  return (component.replication ?? [])
    .filter(({ from }) => from === home)
    .map(({ mode, to, alarmLagMs }) => ({
      ms: mode === 'synchronous' ? 0 : alarmLagMs,
      by: `${mode} replication to ${to}`,
      ...(mode === 'asynchronous' && { watched: true as const }),
    }))
}

/** A database's synchronous claim is what ANY n makes of it; its asynchronous link is a limit only where an alarm watches it. */
function replicatedMembers(component: Component, scenario: Scenario, home: string): readonly ExposureBound[] {
  if (scenario !== 'region-loss') return []
  return (component.replication ?? [])
    .filter(({ from, mode }) => from === home && mode === 'asynchronous')
    .map(({ to, alarmLagMs }) => ({
      ms: alarmLagMs,
      by: `asynchronous replication to ${to}`,
    }))
}

/** What another component can give back: the database of an event store, whoever can publish a queue's messages again. */
function elsewhere(
  map: EstateMap,
  component: Component,
  scenario: Scenario,
  seen: Set<string>,
): readonly ExposureBound[] {
  const names = [
    // A failover replays nothing into a database; a recovery from corruption does, and is judged for itself.
    component.kind === 'postgres' ? undefined : component.replay?.sourceOfTruth,
    component.kind === 'event-store' ? component.storedIn : undefined,
  ]
  return names
    .filter((name) => name !== undefined && !seen.has(name))
    .flatMap((name) => map.components.get(name ?? '') ?? [])
    .flatMap((source) =>
      collect(map, source, scenario, seen).map((bound) => ({
        ...bound,
        by: `${source.name} can give it back (${bound.by})`,
      })),
    )
}
