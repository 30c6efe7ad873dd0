import { dirname, resolve } from 'node:path'
import { clientContextFormat } from '../domain/client-context.ts'
import type { ClientContext } from '../domain/client-context.ts'
import type { Plan } from '../domain/plan.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { StoreKeys } from '../engine/store-keys.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { Estate } from '../estate/estate.ts'
import { runKind } from '../evidence/run-kind.ts'
import type { RunKind } from '../evidence/run-kind.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { ResolvedPoint } from '../ports/kept-copies.ts'
import type { Signer } from '../ports/signer.ts'
import type { World } from '../ports/world.ts'
import type { OpenRunReply, OpenRunRequest } from '../server/run-desk.ts'
import { statusMethods } from '../server/status-wire.ts'
import type { ControlPlaneStatus } from '../server/status-wire.ts'
import type { CommonOptions } from './command-context.ts'
import { loadEstate } from './load-estate.ts'
import { connectedWorld, fileSigner, remoteStore, silentLog } from './real-world.ts'
import { readJson } from './read-json.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'

const callTimeoutMs = 10_000
/** Longer than the control plane waits for the agent that reads the archive. */
const resolveTimeoutMs = 65_000

/** One person's way to one control plane. */
export interface Connection {
  readonly context: ClientContext
  readonly world: World
  readonly estate: Estate
  readonly store: ControlStore
  readonly keys: StoreKeys
  readonly status: () => Promise<ControlPlaneStatus>
  readonly resolveTarget: (component: string, target: string) => Promise<ResolvedPoint>
  readonly openRun: (request: OpenRunRequest) => Promise<OpenRunReply>
  readonly signer: () => Promise<Signer>
}

export async function connect(terminal: Terminal, options: CommonOptions): Promise<Connection> {
  const context = await loadContext(terminal, options)
  const estate = await loadEstate(options.estate ?? context.estateFile)
  if (estate.id !== context.estate) {
    throw new RecoveryError({
      code: 'CONTEXT_OF_ANOTHER_ESTATE',
      class: 'refused',
      message: `the context leads to ${context.estate}, the estate file declares ${estate.id}`,
      hint: 'name the context of this estate with --context',
    })
  }
  const world = await connectedWorld(context.tls, silentLog)
  const { address, port, subject } = context.controlPlane
  const call = { timeoutMs: callTimeoutMs, expectSubject: subject }
  return {
    context,
    world,
    estate,
    store: remoteStore(world, { address, port }, subject),
    keys: storeKeys(estate.id),
    status: async () => {
      const reply = await world.network.call({ address, port }, statusMethods.status, {}, call)
      return reply as unknown as ControlPlaneStatus
    },
    resolveTarget: async (component, target) => {
      const request = { estate: estate.id, component, target }
      const patient = { ...call, timeoutMs: resolveTimeoutMs }
      const reply = await world.network.call({ address, port }, statusMethods.resolveTarget, request, patient)
      return reply as unknown as ResolvedPoint
    },
    openRun: async (request) => {
      const reply = await world.network.call({ address, port }, statusMethods.openRun, { ...request }, call)
      return reply as unknown as OpenRunReply
    },
    signer: async () => fileSigner(context.signingKeyFile, context.principal),
  }
}

/** Real runs that a lab's people look at are shown as the lab's. */
export function shownAs({ context }: Connection, mode: Plan['mode']): RunKind {
  return runKind(mode, context.place)
}

export async function loadContext(terminal: Terminal, options: CommonOptions): Promise<ClientContext> {
  const file = options.context ?? terminal.environment['POINTZERO_CONTEXT']
  if (file === undefined || file === '') {
    throw usageError(
      'this command talks to a control plane and does not know which one',
      'name a context file: --context FILE, or export POINTZERO_CONTEXT=FILE (`pointzero setup` and the lab write one)',
    )
  }
  return parseContext(await readJson(file), resolve(file))
}

function parseContext(value: unknown, file: string): ClientContext {
  const context = value as Partial<ClientContext> | null
  if (context?.format !== clientContextFormat) {
    throw new RecoveryError({
      code: 'FORMAT_UNKNOWN',
      class: 'refused',
      message: `${file}: format ${JSON.stringify(context?.format) ?? 'absent'} is not ${clientContextFormat}`,
      hint: 'write a new one with `pointzero setup`, or use the release that wrote it (`pointzero --version`)',
    })
  }
  const { tls, controlPlane, principal, estate, estateFile, signingKeyFile } = context
  if (!tls || !controlPlane || !principal || !estate || !estateFile || !signingKeyFile) {
    throw usageError(`${file}: the context lacks a member`, 'write a new one with `pointzero setup`')
  }
  const here = (path: string): string => resolve(dirname(file), path)
  return {
    ...(context as ClientContext),
    estateFile: here(estateFile),
    signingKeyFile: here(signingKeyFile),
    tls: { ca: here(tls.ca), cert: here(tls.cert), key: here(tls.key) },
  }
}
