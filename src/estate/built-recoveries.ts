import type { Scenario } from '../domain/scenario.ts'
import type { Component } from './estate.ts'

/** What this version can carry out from end to end. Everything else is shown as not yet recoverable, and is never green. */
const built: Readonly<Record<string, readonly Scenario[]>> = {
  postgres: ['component-loss', 'zone-loss', 'corruption'],
  compute: ['component-loss', 'zone-loss'],
  gate: ['component-loss', 'zone-loss'],
}

export function canRecover(kind: Component['kind'], scenario: Scenario): boolean {
  return built[kind]?.includes(scenario) ?? false
}

/** Kinds of which this version recovers nothing at all. */
export function isBuilt(kind: Component['kind']): boolean {
  return built[kind] !== undefined
}
