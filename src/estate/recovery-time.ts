import type { Scenario } from '../domain/scenario.ts'
import { formatByteSize } from './byte-size.ts'
import { dataKinds } from './declared-component.ts'
import { formatDuration } from './duration.ts'
import type { Component } from './estate.ts'
import { acknowledgementRule } from './survivors.ts'
import type { EstateMap } from './survivors.ts'
import type { EvidenceByComponent, Judgement } from './verdict.ts'

/** The least time that something takes. */
export interface RecoveryTimeFloor {
  readonly ms: number
  readonly why: string
  /** What would bring it below a target. */
  readonly change: (targetMs: number) => string
}

/**
 * The least time that the design allows: what can not be avoided even if nobody hesitates. Undefined when nothing is known that takes
 * time; the real recovery time is always longer.
 */
export function ownFloor(
  map: EstateMap,
  component: Component,
  scenario: Scenario,
  evidence: EvidenceByComponent,
): RecoveryTimeFloor | undefined {
  const floors = [
    restoreFloor(map, component, scenario, evidence),
    detectFloor(component, scenario),
    trafficFloor(component, scenario),
  ]
  const known = floors.filter((floor) => floor !== undefined)
  return known.toSorted((left, right) => right.ms - left.ms)[0]
}

function restoreFloor(
  map: EstateMap,
  component: Component,
  scenario: Scenario,
  evidence: EvidenceByComponent,
): RecoveryTimeFloor | undefined {
  const { sizeBytes } = component
  if (sizeBytes === undefined || !needsRestore(map, component, scenario)) return undefined
  const measured = (evidence.get(component.name) ?? [])
    .filter(({ restoreBytesPerSecond }) => restoreBytesPerSecond !== undefined)
    .toSorted((left, right) => right.endedAtMs - left.endedAtMs)[0]?.restoreBytesPerSecond
  const rate = measured ?? component.restoreBytesPerSecond
  if (rate === undefined || rate <= 0) return undefined
  const ms = Math.ceil((sizeBytes / rate) * 1000)
  const source = measured === undefined ? 'assumed' : 'measured'
  return {
    ms,
    why: `restoring ${formatByteSize(sizeBytes)} at ${source} ${formatByteSize(Math.round(rate))}/s alone takes ${formatDuration(ms)}`,
    change: (targetMs) =>
      `restore at ${formatByteSize(Math.ceil((sizeBytes / targetMs) * 1000))}/s or more, or keep a warm copy of ${component.name}`,
  }
}

/** Whether the bytes come back from a store because nothing that runs still has them. */
function needsRestore(map: EstateMap, component: Component, scenario: Scenario): boolean {
  if (!dataKinds.has(component.kind)) return false
  if (scenario === 'corruption' || scenario === 'estate-loss') return true
  if (component.kind !== 'postgres')
    return scenario === 'component-loss' && component.protection !== undefined
  const rule = acknowledgementRule(map, component, scenario)
  const canLead = component.members.length > 1 && (rule?.needed !== undefined || scenario === 'region-loss')
  return !canLead || (scenario === 'region-loss' && regionsOf(map, component) < 2)
}

function regionsOf(map: EstateMap, component: Component): number {
  if (component.kind !== 'postgres') return 0
  return new Set(
    component.members.map(({ host }) => map.regionOfZone.get(map.hostZones.get(host) ?? '') ?? ''),
  ).size
}

function detectFloor(component: Component, scenario: Scenario): RecoveryTimeFloor | undefined {
  if (component.kind !== 'postgres' || scenario === 'corruption' || scenario === 'estate-loss')
    return undefined
  const { detectMs } = component.policy
  return {
    ms: detectMs,
    why: `its silence is noticed after ${formatDuration(detectMs)}`,
    change: (targetMs) =>
      `lower components.${component.name}.policy.detect below ${formatDuration(targetMs)}`,
  }
}

/** Clients keep an old answer for its time to live. */
function trafficFloor(component: Component, scenario: Scenario): RecoveryTimeFloor | undefined {
  if (component.kind !== 'dns' || (scenario !== 'region-loss' && scenario !== 'estate-loss')) return undefined
  const ttlMs = Math.max(0, ...(component.dns?.records ?? []).map((record) => record.ttlMs))
  return {
    ms: ttlMs,
    why: `clients keep the old address for ${formatDuration(ttlMs)}`,
    change: (targetMs) =>
      `lower the ttl of the records of ${component.name} below ${formatDuration(targetMs)}`,
  }
}

export interface InheritedFloor {
  readonly floor: RecoveryTimeFloor
  /** The component whose recovery takes that long. */
  readonly by: string
}

export interface RecoveryTimeCase {
  readonly map: EstateMap
  readonly component: Component
  readonly scenario: Scenario
}

export function judgeRecoveryTime(
  { map, component, scenario }: RecoveryTimeCase,
  inherited: InheritedFloor | undefined,
  rtoMs: number,
): Judgement {
  const floor = inherited?.floor
  if (inherited !== undefined && floor !== undefined && floor.ms > rtoMs) {
    const { by } = inherited
    const waits = by === component.name ? '' : `it waits for ${by}: `
    return {
      refuted: true,
      why: `${waits}${floor.why}, ${formatDuration(rtoMs)} are allowed`,
      smallestChange: floor.change(rtoMs),
    }
  }
  const person = startsByHand(map, component, scenario) ? ' and a person has to start it' : ''
  const least =
    floor === undefined ? 'no drill has measured it' : `${floor.why}; no drill has measured the whole`
  return {
    refuted: false,
    why: `${least}${person}`,
    smallestChange: 'drill it and measure the time from the first failed request',
  }
}

/** How long a person takes is not in the estate: it is measured in drills. */
function startsByHand({ estate }: EstateMap, { name }: Component, scenario: Scenario): boolean {
  const rules = (estate.recovery ?? []).filter((rule) => rule.scenario === scenario)
  return rules.some(({ start, components }) => start === 'manual' && (components?.includes(name) ?? true))
}
