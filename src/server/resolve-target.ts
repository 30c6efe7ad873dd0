import type { Json } from '../domain/canonical-json.ts'
import { requireEstate } from '../agent/action-desk.ts'
import { componentNamed } from '../estate/estate-lookup.ts'
import type { Estate } from '../estate/estate.ts'
import { keepersOf, keptNowhere } from '../estate/keepers.ts'
import { copiesMethods } from '../ports/copies-wire.ts'
import type { World } from '../ports/world.ts'
import type { ResolveRequest } from './status-wire.ts'

/** The commit clock of a busy month takes a while to read. */
const resolveTimeoutMs = 60_000

/** Asks the agent that keeps the archive: nobody else knows what can be reached. It refuses what can not. */
export async function resolveTarget(world: World, estate: Estate, body: Json): Promise<Json> {
  const request = body as unknown as ResolveRequest
  requireEstate(estate.id, request.estate)
  const component = componentNamed(estate, request.component)
  const { archive } = keepersOf(estate, component)
  if (archive === undefined) throw keptNowhere(component.name, 'WAL archive')
  return world.network.call(
    { address: archive.address, port: archive.agentPort },
    copiesMethods.resolveTarget,
    { estate: estate.id, component: component.id, path: request.target },
    { timeoutMs: resolveTimeoutMs, expectSubject: archive.id },
  )
}
