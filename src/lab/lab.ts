import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RecoveryError } from '../domain/recovery-error.ts'
import { freeSubnet, loopbackSubnet } from './free-subnet.ts'
import { adopt } from './lab-adoption.ts'
import { backUpLedger } from './lab-backup.ts'
import { removeLab } from './lab-cleanup.ts'
import { writeConfigs } from './lab-configs.ts'
import { passwordFile, writeCredentials } from './lab-credentials.ts'
import { defaultLabPolicy, labEstateText } from './lab-estate.ts'
import type { LabPolicy, LabSchedule } from './lab-estate.ts'
import { labHostNames, labHosts } from './lab-host.ts'
import type { LabHostName } from './lab-host.ts'
import { startHost } from './lab-hosts.ts'
import { labNetwork } from './lab-network.ts'
import type { LabNetwork } from './lab-network.ts'
import { evidenceDirectory, hostPaths } from './lab-paths.ts'
import { findPostgres, makePrimary, serverUser } from './lab-postgres.ts'
import type { LabPostgres } from './lab-postgres.ts'
import { isRunning, recordedProcesses } from './lab-process.ts'
import { findLabs, makeLabDirectory, readLabState, writeLabState } from './lab-state.ts'
import type { LabState } from './lab-state.ts'
import { makeVault } from './lab-vault.ts'
import { detectNetwork, loopback } from './network-capabilities.ts'
import { runCommand } from './run-command.ts'
import { requireFreePorts, requireReachable } from './usable-place.ts'

export interface LabOptions {
  readonly progress: (line: string) => void
  /** Absent: the system's when there is one. */
  readonly postgres?: LabPostgres['kind']
  /** Absent: namespaces where they work. */
  readonly network?: LabState['network']
  readonly policy?: LabPolicy
  /** Absent: backups and restore tests are left to people. */
  readonly schedule?: LabSchedule
  /** Its control plane leads a sandbox: every run, adoption and automatic ones too, is a drill by name. */
  readonly drill?: boolean
  /** False: the processes run, and the ledger is in nobody's care yet. */
  readonly adopt?: boolean
  /** Also a first base backup: from then on there are points in time to recover to. */
  readonly backup?: boolean
  /** Leaves a lab that did not come up, to look at. */
  readonly keep?: boolean
}

/** A real estate on this machine, adopted and protected. */
export interface Lab {
  readonly state: LabState
  readonly network: LabNetwork
  readonly ledgerPassword: string
  /** PEM: who signs the certificates of its members. */
  readonly authorityFile: string
  /** Starts the product's process of that host again, after a fault killed it. */
  restart(host: LabHostName): Promise<void>
  /** Ends all of it; `keepFiles` leaves logs, data and evidence. */
  down(options?: { readonly keepFiles: boolean }): Promise<void>
}

/** What it makes is recorded before it is made: `labDown` removes it even if this process dies half-way. */
export async function labUp(options: LabOptions): Promise<Lab> {
  const { progress } = options
  const instance = newInstance()
  const capabilities =
    options.network === 'loopback'
      ? loopback('loopback was asked for')
      : await detectNetwork(runCommand, process.getuid?.() === 0, `pz${instance}probe`)
  if (options.network === 'namespaces' && capabilities.kind !== 'namespaces')
    throw noNamespaces(capabilities.missing)
  const subnet = capabilities.kind === 'namespaces' ? await freeSubnet() : loopbackSubnet()
  const state = writeLabState({
    instance,
    directory: makeLabDirectory(instance),
    network: capabilities.kind,
    subnet,
    hosts: labHosts(subnet),
  })
  progress(
    `lab ${instance}: ${state.hosts.length} hosts as ${capabilities.kind} in ${subnet}.0/24, ${state.directory}`,
  )
  for (const sentence of capabilities.missing) progress(`not possible here: ${sentence}`)
  const network = labNetwork(state, capabilities)
  try {
    return await bringUp(state, network, options)
  } catch (error) {
    const logs = join(state.directory, 'logs')
    const keepFiles = existsSync(logs)
    if (options.keep !== true) await removeLab(state, { keepFiles })
    progress(`the lab did not come up; ${keepFiles ? `its logs are in ${logs}` : 'nothing of it is left'}`)
    throw error
  }
}

async function bringUp(state: LabState, network: LabNetwork, options: LabOptions): Promise<Lab> {
  const { progress } = options
  requireReachable(state.directory, serverUser().runAs)
  if (network.capabilities.kind === 'loopback') await requireFreePorts(network.addressOf('ctl'))
  await network.up()
  mkdirSync(evidenceDirectory(state.directory), { recursive: true })
  const estateText = labEstateText(state, options.policy ?? defaultLabPolicy, options.schedule)
  const credentials = writeCredentials(state, estateText)
  const postgres = await findPostgres(state, options.postgres)
  await makeVault(state)
  writeConfigs(state, postgres, credentials, { drill: options.drill === true })
  progress(`PostgreSQL (${postgres.kind}): ${postgres.binDirectory}; making the ledger on az1`)
  await makePrimary(state, postgres, credentials.ledgerPassword)
  const lab = openLab(state, network, credentials.ledgerPassword)
  progress('starting the control plane on ctl and an agent on every other host')
  await lab.restart('ctl')
  await Promise.all(
    labHostNames.filter((host) => host !== 'ctl').map(async (host) => await lab.restart(host)),
  )
  if (options.adopt === false) return lab
  await adopt(state, network, progress)
  progress('the ledger is protected: one primary, two standbys, every commit on two hosts, its WAL on vlt')
  if (options.backup === true)
    progress(`backed up: ${await backUpLedger(state, network, credentials.ledgerPassword)}`)
  return lab
}

function openLab(state: LabState, network: LabNetwork, ledgerPassword: string): Lab {
  return {
    state,
    network,
    ledgerPassword,
    authorityFile: hostPaths(state.directory, 'client').tls.ca,
    restart: async (host) => void (await startHost(state, network, host, ledgerPassword)),
    down: async (options = { keepFiles: false }) => await removeLab(state, options),
  }
}

/** A lab that another process brought up. */
export async function labAt(directory: string): Promise<Lab> {
  const state = requireState(directory)
  const isRoot = state.network === 'namespaces'
  // Several processes may look at one lab at once.
  const capabilities = await detectNetwork(runCommand, isRoot, `pzp${process.pid}`)
  const password = readFileSync(passwordFile(state), 'utf8').trim()
  return openLab(state, labNetwork(state, capabilities), password)
}

/** Removes a lab, running or crashed. Idempotent. */
export async function labDown(directory: string, options = { keepFiles: false }): Promise<void> {
  const state = readLabState(directory)
  if (state !== undefined) await removeLab(state, options)
}

export interface LabOverview {
  readonly state: LabState
  readonly processes: readonly { readonly name: string; readonly pid: number; readonly running: boolean }[]
}

/** What is recorded and whether it runs; the product's own view of the estate is `pointzero status`. */
export function labStatus(directory: string): LabOverview {
  const state = requireState(directory)
  const processes = recordedProcesses(state).map((recorded) => {
    return { name: recorded.name, pid: recorded.pid, running: isRunning(recorded) }
  })
  return { state, processes }
}

/** The only lab on this machine, when none is named. */
export function theOneLab(): string {
  const labs = findLabs()
  const [only] = labs
  if (only !== undefined && labs.length === 1) return only
  throw new RecoveryError({
    code: 'LAB_NOT_FOUND',
    class: 'refused',
    message:
      labs.length === 0 ? 'there is no lab on this machine' : `there are several labs: ${labs.join(', ')}`,
    hint: labs.length === 0 ? '`pointzero lab up` makes one' : 'name one with --directory',
  })
}

function requireState(directory: string): LabState {
  const state = readLabState(directory)
  if (state !== undefined) return state
  throw new RecoveryError({
    code: 'LAB_NOT_FOUND',
    class: 'refused',
    message: `there is no lab in ${directory}`,
    hint: '`pointzero lab up` makes one',
  })
}

function newInstance(): string {
  const letters = 'abcdefghijkmnpqrstuvwxyz23456789'
  return Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('')
}

function noNamespaces(missing: readonly string[]): RecoveryError {
  return new RecoveryError({
    code: 'LAB_NO_NAMESPACES',
    class: 'refused',
    message: missing.join('; '),
    hint: 'run it as root on Linux with iproute2, or leave --network out',
  })
}
