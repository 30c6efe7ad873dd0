import type { Json } from '../../domain/canonical-json.ts'
import type { Step } from '../../domain/plan.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import { companions, gatePlaces, targetOf, type ClusterScene } from './cluster-facts.ts'
import { stopStep } from './service-steps.ts'
import { step } from './step-form.ts'

/**
 * New work is held back before the old primary ends. The application ends first because a rollback goes backward: its gates have to lead
 * to the ledger again before it can rebuild its state from there.
 */
export function drain(scene: ClusterScene, old: PostgresMember): readonly Step[] {
  const stops = companions(scene).flatMap(({ compute, places }) =>
    places
      .filter(({ host }) => host === old.host)
      .map(({ host }) =>
        stopStep(compute, host, {
          // The time-out of the undoing too, which waits for the application to be ready.
          timeoutMs: 30_000,
          undo: { action: 'compute.start', args: { component: compute.id } },
        }),
      ),
  )
  return [
    ...stops,
    ...holdGates(
      scene,
      stops.map(({ id }) => id),
      targetOf(scene, old),
    ),
  ]
}

/** Clients are led nowhere; undone, they are led back, where there is anything to lead them to. */
export function holdGates(scene: ClusterScene, after: readonly string[], back?: Json): readonly Step[] {
  return gatePlaces(scene, scene.cluster.name).map((place) =>
    step({
      id: `hold-${place.name}-${place.host}`,
      action: 'gate.route',
      on: place.host,
      args: { component: place.gate, target: null },
      after,
      proves: `${place.name} on ${place.host} leads nowhere`,
      effect: 'reversible',
      phase: 'execute',
      optional: !place.reachable,
      attempts: place.reachable ? 3 : 1,
      timeoutMs: place.reachable ? 5_000 : 1_000,
      ...(back === undefined
        ? {}
        : { undo: { action: 'gate.route', args: { component: place.gate, target: back } } }),
    }),
  )
}

/** Those that have to be done before anything else is. */
export function drainedIds(steps: readonly Step[]): readonly string[] {
  return steps.filter(({ optional }) => optional !== true).map(({ id }) => id)
}
