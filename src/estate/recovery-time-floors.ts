import type { Scenario } from '../domain/scenario.ts'
import type { Component } from './estate.ts'
import { ownFloor } from './recovery-time.ts'
import type { InheritedFloor } from './recovery-time.ts'
import type { EstateMap } from './survivors.ts'
import type { EvidenceByComponent } from './verdict.ts'

/**
 * The least time until each component works again, with everything that it waits for: the slowest decides, not the mean (incident
 * D23). Prerequisites come first; a loop instead of recursion, as chains may be thousands long.
 */
export function recoveryTimeFloors(
  map: EstateMap,
  scenario: Scenario,
  evidence: EvidenceByComponent,
): ReadonlyMap<string, InheritedFloor> {
  const floors = new Map<string, InheritedFloor>()
  for (const component of prerequisitesFirst(map)) {
    const own = ownFloor(map, component, scenario, evidence)
    // The loss of one component leaves what it depends on as it was.
    const waitsFor = scenario === 'component-loss' ? [] : prerequisiteNames(component)
    const inherited = waitsFor.flatMap((name) => floors.get(name) ?? [])
    const all = own === undefined ? inherited : [{ floor: own, by: component.name }, ...inherited]
    const slowest = all.toSorted((left, right) => right.floor.ms - left.floor.ms)[0]
    if (slowest !== undefined) floors.set(component.name, slowest)
  }
  return floors
}

function prerequisiteNames(component: Component): readonly string[] {
  const implied = [
    component.kind === 'compute' ? component.placedWith : undefined,
    component.kind === 'gate' ? component.leadsTo : undefined,
    component.kind === 'event-store' ? component.storedIn : undefined,
    component.kind === 'load-balancer' ? component.loadBalancer?.leadsTo : undefined,
  ]
  return [...component.dependsOn, ...implied.filter((name) => name !== undefined)]
}

/** Depth first with a stack of its own. The estate has no cycle: its checks saw to that. */
function prerequisitesFirst(map: EstateMap): readonly Component[] {
  const done = new Set<string>()
  const order: Component[] = []
  for (const root of map.estate.components) {
    const stack: { readonly component: Component; readonly open: string[] }[] = [frame(root)]
    while (stack.length > 0) {
      const top = stack.at(-1)
      if (top === undefined) break
      const next = top.open.pop()
      const component = next === undefined || done.has(next) ? undefined : map.components.get(next)
      if (component !== undefined) {
        stack.push(frame(component))
      } else if (next === undefined) {
        stack.pop()
        if (!done.has(top.component.name)) order.push(top.component)
        done.add(top.component.name)
      }
    }
  }
  return order
}

function frame(component: Component): { readonly component: Component; readonly open: string[] } {
  return { component, open: [...prerequisiteNames(component)] }
}
