import type { StoreEntry } from '../ports/control-store.ts'
import type { GateRoute } from '../ports/traffic-gate.ts'
import type { PostgresDirectory } from './postgres-directory.ts'
import type { SimEstate } from './sim-estate.ts'

/** What an adoption left on the disks and in the control store, and what runs since then. Nothing of it is ever changed. */
export interface AdoptedEstate {
  readonly entries: readonly StoreEntry[]
  /** By host: path and content. */
  readonly files: ReadonlyMap<string, readonly (readonly [string, Uint8Array])[]>
  /** By name of the member. */
  readonly directories: ReadonlyMap<string, PostgresDirectory>
  readonly routes: readonly GateRoute[]
  readonly ready: readonly boolean[]
}

export function readAdopted({ durable, hosts, cluster, gates, instances }: SimEstate): AdoptedEstate {
  return {
    entries: [...durable.entries.values()],
    files: new Map(
      hosts.map(({ name, disk }) => [
        name,
        disk.list('').map((path) => [path, disk.read(path) ?? new Uint8Array(0)] as const),
      ]),
    ),
    directories: new Map(cluster.servers.map(({ name, directory }) => [name, directory.snapshot()])),
    routes: gates.map(({ route }) => route),
    ready: instances.map(({ isReady }) => isReady),
  }
}

/** Before anything was started there: postmasters and instances run, and agents and control plane are about to be started again. */
export function placeAdopted(sim: SimEstate, adopted: AdoptedEstate): void {
  const { durable, hosts, cluster, gates, instances, loop } = sim
  for (const entry of adopted.entries) {
    if (!durable.entries.has(entry.key)) durable.entries.set(entry.key, entry)
    durable.revision = Math.max(durable.revision, entry.revision)
  }
  for (const { name, disk } of hosts) {
    for (const [path, content] of adopted.files.get(name) ?? []) {
      disk.write(path, content)
      disk.sync(path)
    }
    disk.syncDirectory()
  }
  for (const server of cluster.servers) {
    const directory = adopted.directories.get(server.name)
    if (directory !== undefined) server.directory.become(directory)
    server.start(() => {})
  }
  for (const [index, gate] of gates.entries()) gate.route = adopted.routes[index] ?? gate.route
  for (const [index, instance] of instances.entries())
    if (adopted.ready[index] === true) instance.start(loop, 0, () => {})
}
