import { dependencyCycles } from './dependency-cycles.ts'
import { problem } from './estate-problem.ts'
import type { EstateProblem } from './estate-problem.ts'
import type { ComponentDeclaration } from './component-schema.ts'
import type { EstateDeclaration } from './estate-schema.ts'

/** Nothing can start first when everything waits for something (incident D14): each cycle is printed. */
export function checkDependencies(estate: EstateDeclaration): readonly EstateProblem[] {
  const graph = new Map(
    Object.entries(estate.components).map(([name, component]) => [name, prerequisites(component)]),
  )
  return dependencyCycles(graph).map((cycle) =>
    problem(
      ['components', cycle[0] ?? ''],
      `it waits for itself: ${[...cycle, cycle[0]].join(' -> ')}; remove one of these dependencies`,
      'key',
    ),
  )
}

/** What must work before it does, said outright or meant by the way it is placed. */
function prerequisites(component: ComponentDeclaration): readonly string[] {
  const implied = [
    component.kind === 'compute' ? component.placedWith : undefined,
    component.kind === 'gate' ? component.leadsTo : undefined,
    component.kind === 'event-store' ? component.storedIn : undefined,
    component.kind === 'load-balancer' ? component.loadBalancer.leadsTo : undefined,
  ]
  return [...component.dependsOn, ...implied.filter((name) => name !== undefined)]
}
