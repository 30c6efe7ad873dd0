import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agentActions } from '../actions/agent-actions.ts'
import type { AgentSetup, LocalMember } from '../agent/agent-setup.ts'
import { startAgent } from '../agent/agent.ts'
import { agentConfigFormat } from '../domain/process-config.ts'
import type {
  AgentComputeConfig,
  AgentConfig,
  AgentGateConfig,
  AgentPostgresConfig,
} from '../domain/process-config.ts'
import { openProcessInstance } from '../drivers/compute/process-instance.ts'
import { cloneOverReplication } from '../drivers/postgres/postgres-clone.ts'
import { openPostgresMember } from '../drivers/postgres/postgres-member.ts'
import { openPostgresProbe } from '../drivers/postgres/postgres-probe.ts'
import { componentNamed, memberNamed } from '../estate/estate-lookup.ts'
import type { Component, Estate, Host } from '../estate/estate.ts'
import type { RecoveryAccess } from '../ports/recovery-source.ts'
import { openRestoreTarget } from '../platform/restore-target.ts'
import type { SystemWorld } from '../platform/system-world.ts'
import { openTcpStream } from '../platform/tcp-stream.ts'
import { LocalCopies } from './copies/local-copies.ts'
import { openRecoveryAccess } from './copies/recovery-access.ts'
import { openGateOf } from './open-gate-of.ts'
import { loadEstate } from './load-estate.ts'
import { readConfig } from './read-config.ts'
import { openRecovery } from './recovery/open-recovery.ts'
import { ownMember } from './recovery/own-member.ts'
import { threadedRecovery } from './recovery/threaded-recovery.ts'
import { connectedWorld, signatureVerifier } from './real-world.ts'
import type { RunningProcess } from './until-stopped.ts'
import { usageError } from './usage-error.ts'

const connectTimeoutMs = 5_000
/** A source that sends nothing for so long during a copy has gone. */
const cloneIdleTimeoutMs = 60_000

interface Place {
  readonly world: SystemWorld
  readonly estate: Estate
  readonly host: Host
}

/** Puts the agent of one host together: its drivers, its World, its place in the estate. */
export async function composeAgent(file: string): Promise<RunningProcess> {
  const config = await readConfig<AgentConfig>(file, agentConfigFormat)
  const estate = await loadEstate(config.estateFile)
  const host = estate.hosts.find(({ id }) => id === config.hostId)
  if (host === undefined)
    throw usageError(`${file}: the estate has no host ${config.hostId}`, 'copy the id from the estate')
  const world = await connectedWorld(config.tls)
  const place: Place = { world, estate, host }
  const gates = await Promise.all(
    config.gates.map(async (one) => openGate(place, one, config.stateDirectory)),
  )
  const copies = openCopies(place, config)
  const access = openRecoveryAccess({ world, estate, local: copies, keys: config.recoveryKeys ?? [] })
  const members = await Promise.all(
    config.postgres.map(async (one) => openMember(place, one, { access, configFile: file })),
  )
  const setup: AgentSetup = {
    estate,
    host: config.hostId,
    listen: config.listen,
    controlPlane: { endpoint: config.controlPlane, subject: config.controlPlane.subject },
    statePath: join(config.stateDirectory, 'agent-state.json'),
    heartbeatMs: config.heartbeatMs,
    members,
    gates,
    instances: config.computes.map((one) => openInstance(place, one)),
    probe: openPostgresProbe(world.clock),
    actions: agentActions,
    ...(copies.length === 0 ? {} : { copies }),
    recovery: access,
  }
  const running = await startAgent(world, setup)
  return {
    port: running.port,
    ended: running.ended,
    close: async () => {
      await running.close()
      await Promise.all(copies.map(async (one) => one.close()))
      for (const { driver } of members) driver.close()
      await Promise.all(gates.map(async ({ gate }) => gate.close()))
    },
  }
}

async function openMember(
  { world, estate, host }: Place,
  config: AgentPostgresConfig,
  { access, configFile }: { readonly access: RecoveryAccess; readonly configFile: string },
) {
  const cluster = required(componentNamed(estate, config.component), 'postgres')
  const member = memberNamed(cluster, config.member)
  const { runAs } = config
  const own = await ownMember(host, cluster, member, config)
  const driver = openPostgresMember(own, {
    clock: world.clock,
    log: world.log,
    clone: cloneOverReplication({
      openStream: async ({ address, port }) =>
        openTcpStream({ address, port, connectTimeoutMs, idleTimeoutMs: cloneIdleTimeoutMs }),
      openTarget: (directory) => openRestoreTarget(directory, runAs),
      nonce: () => Buffer.from(world.random.bytes(18)).toString('base64'),
    }),
  })
  const component = cluster.id
  const here = openRecovery({ world, component, config: own, access, verifier: signatureVerifier })
  const recovery = threadedRecovery(here, { configFile, estate, component, member: member.id })
  return { cluster, member, driver, recovery } satisfies LocalMember
}

/** One for each component of which this host keeps an archive, a vault or both. */
function openCopies({ world, estate }: Place, config: AgentConfig): readonly LocalCopies[] {
  const { captures = [], vaults = [] } = config
  const components = new Set([...captures, ...vaults].map(({ component }) => component))
  return [...components].map((component) => {
    const capture = captures.find((one) => one.component === component)
    const vault = vaults.find((one) => one.component === component)
    return new LocalCopies({
      world,
      estate,
      cluster: required(componentNamed(estate, component), 'postgres'),
      ...(capture === undefined ? {} : { capture }),
      ...(vault === undefined ? {} : { vault }),
    })
  })
}

async function openGate({ world, estate, host }: Place, config: AgentGateConfig, stateDirectory: string) {
  const component = required(componentNamed(estate, config.component), 'gate')
  const port = component.listeners.find((listener) => listener.host === host.name)?.port
  if (port === undefined) throw misplaced(component, host)
  const listen = { address: config.bindAddress, port }
  const gate = await openGateOf(component, listen, { world, estate, stateDirectory })
  return { component: component.id, gate }
}

function openInstance({ world, estate, host }: Place, config: AgentComputeConfig) {
  const component = required(componentNamed(estate, config.component), 'compute')
  const port = component.instances.find((instance) => instance.host === host.name)?.port
  if (port === undefined) throw misplaced(component, host)
  const { workingDirectory, environment, runAs, logFile } = config
  const instance = openProcessInstance(
    {
      name: component.name,
      command: component.command,
      host: host.address,
      port,
      environment: { PATH: process.env['PATH'] ?? '', ...environment },
      workingDirectory,
      ...(runAs === undefined ? {} : { runAs }),
      onLine: (line) => keep(world, logFile, line),
    },
    world.clock,
  )
  return { component: component.id, instance }
}

/** What an application prints is its own; losing a line of it stops nothing. */
function keep(world: SystemWorld, file: string, line: string): void {
  appendFile(file, `${line}\n`).catch((error: unknown) => {
    world.log.warn('instance-log-not-written', {
      file,
      error: error instanceof Error ? error.message : String(error),
    })
  })
}

function required<K extends Component['kind']>(
  component: Component,
  kind: K,
): Component & { readonly kind: K } {
  if (component.kind === kind) return component as Component & { readonly kind: K }
  throw usageError(
    `${component.name} is of kind ${component.kind}, not ${kind}`,
    'correct the agent configuration',
  )
}

function misplaced(component: Component, host: Host) {
  return usageError(
    `${component.name} has nothing on ${host.name}`,
    'correct the agent configuration or the estate',
  )
}
