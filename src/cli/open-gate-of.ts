import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { openBuiltinGate } from '../drivers/gate/builtin-gate.ts'
import type { OpenGate } from '../drivers/gate/builtin-gate.ts'
import { openHaproxyGate } from '../drivers/gate/haproxy-gate.ts'
import { componentNamed } from '../estate/estate-lookup.ts'
import type { Estate, GateComponent } from '../estate/estate.ts'
import type { Endpoint } from '../ports/network.ts'
import type { World } from '../ports/world.ts'

const haproxyPlaces = ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy', '/usr/bin/haproxy']

/** The gate that the estate asks for: HAProxy where that program is, else the built-in one behind the same port, and the log says so. */
export async function openGateOf(
  component: GateComponent,
  listen: Endpoint,
  place: {
    readonly world: Pick<World, 'clock' | 'log'>
    readonly estate: Estate
    readonly stateDirectory: string
  },
): Promise<OpenGate> {
  const { name, id } = component
  const { clock, log } = place.world
  if (component.implementation === 'haproxy') {
    const binary = await firstExecutable(haproxyPlaces)
    if (binary !== undefined)
      return openHaproxyGate(
        { name, listen, binary, directory: join(place.stateDirectory, `gate-${id}`) },
        clock,
      )
    log.warn('haproxy-not-installed', { gate: name, instead: 'the built-in gate' })
  }
  const leadsTo = componentNamed(place.estate, component.leadsTo)
  const speaks = leadsTo.kind === 'postgres' ? ({ speaks: 'postgres' } as const) : {}
  return openBuiltinGate({ name, listen, ...speaks }, clock)
}

async function firstExecutable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}
