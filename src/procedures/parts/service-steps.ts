import type { Step, StepReference } from '../../domain/plan.ts'
import type { Json } from '../../domain/canonical-json.ts'
import { hostNamed } from '../../estate/estate-lookup.ts'
import { companions, gatePlaces, type ClusterScene, type GatePlace } from './cluster-facts.ts'
import { step } from './step-form.ts'
import type { StepForm } from './step-form.ts'

/** Where the new primary lives: known when the plan is made (switchover) or chosen at run time (failover). */
export interface Destination {
  readonly host: string | StepReference
  readonly target: Json
  /** Step after which clients may come: the acknowledged canary. */
  readonly ready: string
  /** Zone that is taken for lost: what lies there is led over if it answers at once, and never waited for. */
  readonly lostZone?: string
}

/**
 * Leads clients to the new primary and brings the applications up beside it: database gates, then instances, then their own gates. Gates on
 * hosts that do not answer are optional, and named in the result when they were not led over.
 */
export function serviceSteps(scene: ClusterScene, destination: Destination): readonly Step[] {
  const routes = routeSteps(scene, destination)
  const routed = routes.filter(({ optional }) => optional !== true).map(({ id }) => id)
  const applications = companions(scene).flatMap(({ compute, places }) => {
    const start = step({
      id: `start-${compute.name}`,
      action: 'compute.start',
      on: destination.host,
      args: { component: compute.id },
      after: [destination.ready, ...routed],
      proves: `${compute.name} says that it rebuilt its state beside the new primary`,
      effect: 'reversible',
      phase: 'traffic',
      timeoutMs: 30_000,
    })
    return [start, ...applicationRoutes(scene, destination, { name: compute.name, places, start: start.id })]
  })
  return [...routes, ...applications]
}

function routeSteps(scene: ClusterScene, destination: Destination): readonly Step[] {
  return gatePlaces(scene, scene.cluster.name).map((place) =>
    route(scene, destination, {
      place,
      target: destination.target,
      after: destination.ready,
      proves: `${place.name} on ${place.host} leads to the new primary and to nothing else`,
    }),
  )
}

/** No instance of the application is left on the host. */
export function stopStep(
  compute: { readonly id: string; readonly name: string },
  host: string,
  more: Pick<StepForm, 'timeoutMs' | 'undo'> = {},
): Step {
  return step({
    id: `stop-${compute.name}-${host}`,
    action: 'compute.stop',
    on: host,
    args: { component: compute.id },
    proves: `no process of ${compute.name} remains on ${host}`,
    effect: 'reversible',
    phase: 'execute',
    ...more,
  })
}

interface Application {
  readonly name: string
  readonly places: readonly { readonly host: string; readonly port: number; readonly address: string }[]
  readonly start: string
}

/** Instances of one application share a port, so that the address of the chosen host is all that has to be known. */
function applicationRoutes(
  scene: ClusterScene,
  destination: Destination,
  application: Application,
): readonly Step[] {
  const port = application.places[0]?.port ?? 0
  const address: Json =
    typeof destination.host === 'string'
      ? (application.places.find(({ host }) => host === destination.host)?.address ?? '')
      : { from: destination.host.from, field: 'address' }
  return gatePlaces(scene, application.name).map((place) =>
    route(scene, destination, {
      place,
      target: { address, port },
      after: application.start,
      proves: `${place.name} on ${place.host} leads to the ready instance`,
    }),
  )
}

interface RouteForm {
  readonly place: GatePlace
  readonly target: Json
  readonly after: string
  readonly proves: string
}

/** One try of a second where nobody is expected to answer; patience everywhere else. */
function route(scene: ClusterScene, destination: Destination, form: RouteForm): Step {
  const lost = hostNamed(scene.estate, form.place.host).zone === destination.lostZone
  const expected = form.place.reachable && !lost
  return step({
    id: `route-${form.place.name}-${form.place.host}`,
    action: 'gate.route',
    on: form.place.host,
    args: { component: form.place.gate, target: form.target },
    after: [form.after],
    proves: form.proves,
    effect: 'reversible',
    phase: 'traffic',
    optional: !expected,
    timeoutMs: expected ? 5_000 : 1_000,
    attempts: expected ? 5 : 1,
  })
}
