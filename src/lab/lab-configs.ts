import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentConfigFormat, serveConfigFormat } from '../domain/process-config.ts'
import type {
  AgentConfig,
  AgentGateConfig,
  AgentPostgresConfig,
  ServeConfig,
} from '../domain/process-config.ts'
import { usualHeartbeatMs } from '../domain/stale-read-bound.ts'
import { authorityVariable } from './database-tls.ts'
import type { LabCredentials } from './lab-credentials.ts'
import { labId } from './lab-estate.ts'
import type { LabHost, LabHostName } from './lab-host.ts'
import { zoneHostNames } from './lab-host.ts'
import { hostPaths } from './lab-paths.ts'
import { labPorts } from './lab-ports.ts'
import type { LabPostgres } from './lab-postgres.ts'
import { labMarks } from './lab-process.ts'
import type { LabState } from './lab-state.ts'
import { captureOf, recoveryKeyOf, vaultOf } from './lab-vault.ts'
import { searchPath } from './run-command.ts'

/** What `pointzero serve` and every `pointzero agent` of the lab read. */
export function writeConfigs(
  state: LabState,
  postgres: LabPostgres,
  credentials: LabCredentials,
  { drill }: { readonly drill: boolean },
): void {
  for (const host of state.hosts) {
    const config =
      host.name === 'ctl'
        ? { ...serve(state, credentials), ...(drill ? { sandbox: true } : {}) }
        : agent(state, host, postgres, credentials)
    const { config: path } = hostPaths(state.directory, host.name)
    writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
  }
}

function serve(state: LabState, { subject, principals }: LabCredentials): ServeConfig {
  const paths = hostPaths(state.directory, 'ctl')
  return {
    format: serveConfigFormat,
    estateFile: paths.estate,
    listen: { address: addressOf(state, 'ctl'), port: labPorts.controlPlane },
    storeFile: join(paths.state, 'control-store.sqlite'),
    tls: paths.tls,
    subject,
    signingKeyFile: join(paths.directory, 'signing-key.pem'),
    principals,
  }
}

function agent(
  state: LabState,
  { name, address }: LabHost,
  postgres: LabPostgres,
  { subject, ledgerPassword }: LabCredentials,
): AgentConfig {
  const paths = hostPaths(state.directory, name)
  const isZone = isZoneHost(name)
  const environment = {
    PATH: searchPath,
    PGPASSWORD: ledgerPassword,
    [authorityVariable]: paths.tls.ca,
    ...labMarks(state, name),
  }
  const isVault = name === 'vlt'
  const logFile = join(state.directory, 'logs', `${name}-matching-engine.log`)
  return {
    format: agentConfigFormat,
    estateFile: paths.estate,
    hostId: labId(state, 'hst', name),
    listen: { address, port: labPorts.agent },
    controlPlane: { address: addressOf(state, 'ctl'), port: labPorts.controlPlane, subject },
    stateDirectory: paths.state,
    tls: paths.tls,
    heartbeatMs: usualHeartbeatMs,
    postgres: isZone ? [member(state, name, postgres)] : [],
    gates: gates(state, gatesOn(name), address),
    computes: isZone
      ? [
          {
            component: labId(state, 'cmp', 'engine'),
            workingDirectory: paths.directory,
            logFile,
            environment,
          },
        ]
      : [],
    ...(isVault ? { captures: [captureOf(state)], vaults: [vaultOf(state)] } : {}),
    ...(isZone ? { recoveryKeys: [recoveryKeyOf(state, name)] } : {}),
  }
}

function gatesOn(host: LabHostName): readonly string[] {
  if (isZoneHost(host)) return ['ledger-gate']
  return host === 'client' ? ['ledger-gate', 'orders-gate'] : []
}

function member(state: LabState, host: LabHostName, postgres: LabPostgres): AgentPostgresConfig {
  const paths = hostPaths(state.directory, host)
  return {
    component: labId(state, 'cmp', 'ledger'),
    member: labId(state, 'mbr', host),
    binDirectory: postgres.binDirectory,
    ...(postgres.runAs === undefined ? {} : { runAs: postgres.runAs }),
    socketDirectory: paths.sockets,
    logFile: join(paths.directory, 'postgres', 'server.log'),
    tls: paths.tls,
    canaryKeyFile: paths.canaryKey,
  }
}

function gates(state: LabState, names: readonly string[], bindAddress: string): readonly AgentGateConfig[] {
  return names.map((name) => ({ component: labId(state, 'cmp', name), bindAddress }))
}

function isZoneHost(name: LabHostName): boolean {
  return (zoneHostNames as readonly string[]).includes(name)
}

function addressOf(state: LabState, host: LabHostName): string {
  return state.hosts.find(({ name }) => name === host)?.address ?? ''
}
