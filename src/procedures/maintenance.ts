import type { MaintenanceFacts } from '../domain/facts.ts'
import type { Json } from '../domain/canonical-json.ts'
import { formats } from '../domain/format.ts'
import type { ComponentId } from '../domain/id.ts'
import type { Plan, Step } from '../domain/plan.ts'
import { productVersion } from '../domain/product-version.ts'
import { digest } from '../engine/digest.ts'
import { parseDurationMs } from '../estate/duration.ts'
import { admitsOwnHost, componentNamed, maintenanceScope } from '../estate/estate-lookup.ts'
import type { Estate, GateComponent } from '../estate/estate.ts'
import { refusal, requireOwnFacts } from './parts/cluster-facts.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { step } from './parts/step-form.ts'

const usualDrain = 'PT10S'
const longestDrainMs = 3_600_000

/** What both directions work with. */
interface Scene {
  readonly estate: Estate
  readonly message: string
  readonly drainMs: number
  readonly places: readonly Place[]
  /** Ids of the gates, in the order of their places. */
  readonly gates: readonly ComponentId[]
  readonly before: MaintenanceFacts | undefined
}

interface Place {
  readonly gate: GateComponent
  readonly host: string
  readonly reachable: boolean
}

/**
 * Shuts the gates that the estate names under `maintenance`, or opens them. A shut gate is still routed: a failover happens behind it and lets nobody
 * in. Its scope is its own, so that no failover waits for it.
 */
export const maintenance: Procedure = {
  name: 'maintenance',
  version: 1,
  scenario: 'none',
  summary: 'keep clients out at the gates that the estate names, or let them in again',
  parameters: [
    { name: 'switch', required: true, meaning: 'on: clients are kept out; off: they are let in again' },
    {
      name: 'drain',
      required: false,
      meaning: `with on: how long sessions may go on before they are ended, PT0S to PT1H; ${usualDrain} when absent`,
    },
    {
      name: 'without',
      required: false,
      meaning: 'with on: names, with commas, of what the estate names and this version can not close',
    },
  ],
  plan(request: PlanRequest): Plan {
    requireOwnFacts(request)
    const direction = request.parameters['switch']
    if (direction !== 'on' && direction !== 'off')
      throw refusal(
        'MAINTENANCE_SWITCH',
        `maintenance is switched on or off, not ${JSON.stringify(direction ?? 'nothing')}`,
        'add `--param switch=on` or `--param switch=off`',
      )
    const scene = sceneOf(request)
    return compiled(request, scene, direction === 'on' ? close(scene) : open(scene))
  },
}

function sceneOf(request: PlanRequest): Scene {
  const { estate, facts, parameters } = request
  const before = facts.maintenance
  const gates = gatesOf(request)
  const places = gates.flatMap((gate) =>
    gate.listeners.map(({ host }) => {
      const seen = facts.gates.find((one) => one.component === gate.id && one.host === host)
      return { gate, host, reachable: seen?.reachable ?? false }
    }),
  )
  const drainMs = parseDurationMs(parameters['drain'] ?? usualDrain)
  if (drainMs === undefined || drainMs > longestDrainMs)
    throw refusal(
      'MAINTENANCE_DRAIN',
      `${JSON.stringify(parameters['drain'])} is no time to drain in`,
      'write it as PT30S, at most PT1H',
    )
  const message = estate.maintenance?.message ?? before?.message ?? ''
  return { estate, message, drainMs, places, gates: gates.map(({ id }) => id), before }
}

/** What the estate names; to open, also what was closed under an earlier estate and still exists. */
function gatesOf({ estate, facts, parameters }: PlanRequest): readonly GateComponent[] {
  const without = (parameters['without'] ?? '').split(',').filter((name) => name !== '')
  const named = (estate.maintenance?.closes ?? []).map((name) => componentNamed(estate, name))
  const closed = (facts.maintenance?.on === true ? facts.maintenance.gates : []).flatMap((id) =>
    estate.components.filter((component) => component.id === id && !named.includes(component)),
  )
  const all = [...named, ...closed]
  if (all.length === 0)
    throw refusal(
      'MAINTENANCE_NOT_DECLARED',
      `${estate.name} names no gates that maintenance closes`,
      'declare `maintenance: { closes: [...], message: ... }` in estate.yaml, see docs/procedures/maintenance.md',
    )
  return all.flatMap((component) => {
    if (component.kind === 'gate' && !without.includes(component.name)) return [component]
    if (component.kind !== 'gate' && (parameters['switch'] === 'off' || without.includes(component.name)))
      return []
    throw refusal(
      'MAINTENANCE_NOT_CLOSABLE',
      component.kind === 'gate'
        ? `${component.name} can be closed, so it is not left open`
        : `${component.name} is a ${component.kind}; this version closes gates only`,
      component.kind === 'gate'
        ? 'plan again without naming it in `--param without=`'
        : `close it by hand and add \`--param without=${component.name}\``,
    )
  })
}

function close(scene: Scene): readonly Step[] {
  const wasOn = scene.before?.on === true
  const closes = scene.places.map((place) => closeStep(scene, place, wasOn))
  return [...closes, recordStep(scene, { on: true, after: closes, undo: wasOn ? undefined : { on: false } })]
}

function closeStep(scene: Scene, place: Place, wasOn: boolean): Step {
  const { gate, host } = place
  return step({
    id: `close-${gate.name}-${host}`,
    action: 'gate.close',
    on: host,
    args: closing(scene, place),
    proves: `${gate.name} on ${host} lets nobody in, and nobody is inside`,
    effect: 'reversible',
    phase: 'execute',
    ...patience(place, scene.drainMs),
    ...(wasOn ? {} : { undo: { action: 'gate.open', args: { component: gate.id } } }),
  })
}

/** An application beside the gate reaches its database through it: behind a shut door it has to, or no failover would bring it back. */
function closing({ estate, message, drainMs }: Scene, { gate, host }: Place): Readonly<Record<string, Json>> {
  const own = admitsOwnHost(estate, gate.id, host)
  if (own && gate.implementation === 'haproxy')
    throw refusal(
      'MAINTENANCE_SHUTS_APPLICATION',
      `an application on ${host} depends on ${gate.name}, and HAProxy can not let it in while others are kept out`,
      'close the gate that leads to the application instead, or give this one `implementation: builtin`',
    )
  return { component: gate.id, message, drainMs, ...(own ? { admitsOwnHost: true } : {}) }
}

function open(scene: Scene): readonly Step[] {
  const wasOn = scene.before?.on === true
  const led = ledSteps(scene)
  const opens = scene.places.map((place) =>
    step({
      id: `open-${place.gate.name}-${place.host}`,
      action: 'gate.open',
      on: place.host,
      args: { component: place.gate.id },
      after: led.map(({ id }) => id),
      proves: `${place.gate.name} on ${place.host} lets clients in`,
      effect: 'reversible',
      phase: 'traffic',
      ...patience(place, 0),
      ...(wasOn ? { undo: { action: 'gate.close', args: closing(scene, place) } } : {}),
    }),
  )
  const undo = wasOn ? restored(scene.before) : undefined
  return [...led, ...opens, recordStep(scene, { on: false, after: opens, undo })]
}

/** Opened only once each leads to where the leader record says at that moment: a failover may have moved it, or be under way. */
function ledSteps({ places }: Scene): readonly Step[] {
  const answering = places.filter(({ reachable }) => reachable)
  return [...Map.groupBy(answering, ({ gate }) => gate)].map(([gate, own]) =>
    step({
      id: `led-${gate.name}`,
      action: 'gates.led',
      on: 'control',
      args: { component: gate.id, hosts: own.map(({ host }) => host) },
      proves: `${gate.name} leads to ${gate.leadsTo} as the leader record says now`,
      phase: 'decide',
      timeoutMs: 60_000,
      attempts: 1,
    }),
  )
}

interface Recording {
  readonly on: boolean
  readonly after: readonly Step[]
  readonly undo: Readonly<Record<string, Json>> | undefined
}

/** Last: what the record says was seen. Agents that did not answer hear of it with their next heartbeat. */
function recordStep({ gates, message }: Scene, { on, after, undo }: Recording): Step {
  const args = { gates, message, on }
  return step({
    id: 'record',
    action: 'maintenance.record',
    on: 'control',
    args,
    after: after.filter(({ optional }) => optional !== true).map(({ id }) => id),
    proves: on
      ? 'the control store says that it is maintenance, since when, and by whom'
      : 'the control store says that maintenance is over',
    effect: 'reversible',
    phase: 'verify',
    attempts: 10,
    ...(undo === undefined ? {} : { undo: { action: 'maintenance.record', args: { ...args, ...undo } } }),
  })
}

function restored(before: MaintenanceFacts | undefined): Readonly<Record<string, Json>> {
  if (before === undefined) return { on: true }
  const { gates, message, sinceMs, run } = before
  return { on: true, gates, message, sinceMs, restores: run }
}

function patience({ reachable }: Place, drainMs: number) {
  return reachable
    ? { optional: false, attempts: 5, waitMs: 200, timeoutMs: drainMs + 10_000 }
    : { optional: true, attempts: 1, timeoutMs: 1_000 }
}

function compiled(request: PlanRequest, scene: Scene, steps: readonly Step[]): Plan {
  const { estate, parameters, mode } = request
  const places = scene.places.map(({ gate, host, reachable }) => ({ component: gate.id, host, reachable }))
  return {
    format: formats.plan,
    procedure: maintenance.name,
    procedureVersion: maintenance.version,
    productVersion,
    estate: estate.id,
    estateDigest: digest(estate),
    factsDigest: digest({ maintenance: scene.before ?? null, places }),
    scenario: maintenance.scenario,
    parameters,
    scope: maintenanceScope(estate),
    mode,
    steps,
  }
}
