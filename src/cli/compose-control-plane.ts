import { serveConfigFormat } from '../domain/process-config.ts'
import type { ServeConfig } from '../domain/process-config.ts'
import type { Principal } from '../engine/approval.ts'
import { openPostgresProbe } from '../drivers/postgres/postgres-probe.ts'
import { SqliteControlStore } from '../platform/sqlite-control-store.ts'
import { startControlPlane } from '../server/control-plane.ts'
import { loadEstate } from './load-estate.ts'
import { readConfig } from './read-config.ts'
import { connectedWorld, signatureVerifier } from './real-world.ts'
import type { RunningProcess } from './until-stopped.ts'

/** Everything is judged at least this often, even when no report arrives. */
const tickMs = 250

export async function composeControlPlane(file: string): Promise<RunningProcess> {
  const config = await readConfig<ServeConfig>(file, serveConfigFormat)
  const estate = await loadEstate(config.estateFile)
  const world = await connectedWorld(config.tls)
  const store = new SqliteControlStore(world.clock, config.storeFile)
  const running = await startControlPlane(world, {
    estate,
    subject: config.subject,
    listen: config.listen,
    store,
    probe: openPostgresProbe(world.clock),
    verifier: signatureVerifier,
    principals: config.principals as readonly Principal[],
    sandbox: config.sandbox === true,
    tickMs,
  })
  return {
    port: running.port,
    ended: running.ended,
    close: async () => {
      await running.close()
      store.close()
    },
  }
}
