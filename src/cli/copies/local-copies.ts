import type { CaptureConfig } from '../../domain/capture-config.ts'
import { captureConfigFormat } from '../../domain/capture-config.ts'
import type { AgentCaptureConfig, AgentVaultConfig } from '../../domain/copies-config.ts'
import { FileObjectStore } from '../../drivers/file/file-object-store.ts'
import { hostNamed } from '../../estate/estate-lookup.ts'
import type { Estate, PostgresComponent } from '../../estate/estate.ts'
import { notKeptHere } from '../../estate/keepers.ts'
import { openSystemArchive } from '../../platform/system-archive.ts'
import type { SystemWorld } from '../../platform/system-world.ts'
import { askWorkerThread, startWorkerThread } from '../../platform/worker-thread.ts'
import type {
  CopiesFinding,
  CopiesView,
  KeptCopies,
  KeptSnapshot,
  ResolvedPoint,
  RestoredSnapshot,
} from '../../ports/kept-copies.ts'
import type { ArchiveReader, ObjectReader } from '../../ports/recovery-source.ts'
import { readCatalogue } from '../../vault/catalogue.ts'
import { readPin, vaultOf } from '../vault-access.ts'
import { backUpInto } from './back-up-into.ts'
import { confirmInto } from './confirm-into.ts'
import { snapshotsOf } from './copies-finding.ts'
import type { FindingWork } from './finding-worker.ts'
import { keepRunning } from './keep-running.ts'
import type { ResolveWork } from './resolve-worker.ts'
import { SupervisedCapture } from './supervised-capture.ts'

const workerPauseMs = 3_000

export interface LocalCopiesSetup {
  readonly world: SystemWorld
  readonly estate: Estate
  readonly cluster: PostgresComponent
  readonly capture?: AgentCaptureConfig
  readonly vault?: AgentVaultConfig
}

/** What this host keeps of one component, in directories of its own. */
export class LocalCopies implements KeptCopies {
  readonly archive?: ArchiveReader
  readonly vault?: ObjectReader
  readonly #setup: LocalCopiesSetup
  readonly #capture: SupervisedCapture | undefined
  readonly #stop = new AbortController()
  readonly #watch: Promise<void>
  #finding: { readonly atMs: number; readonly found: CopiesFinding } | undefined

  constructor(setup: LocalCopiesSetup) {
    const { world, estate, cluster, capture, vault } = setup
    this.#setup = setup
    if (capture !== undefined) {
      this.archive = openSystemArchive(capture.archiveDirectory)
      this.#capture = new SupervisedCapture(world, captureConfig(estate, cluster, capture))
    }
    if (vault !== undefined) this.vault = new FileObjectStore(vault.storeDirectory)
    const { clock, log } = world
    const { signal } = this.#stop
    this.#watch = keepRunning(
      { clock, log, name: `reading the copies of ${cluster.name}`, pauseMs: workerPauseMs, signal },
      async () => this.#readCopies(signal),
    )
  }

  get component(): PostgresComponent['id'] {
    return this.#setup.cluster.id
  }

  view(): CopiesView {
    const finding = this.#finding
    const capture = this.#capture?.view()
    return {
      component: this.component,
      ...(finding?.found ?? {
        systemIdentifier: '',
        snapshots: [],
        broken: [],
        brokenBefore: [],
        problems: [],
      }),
      ...(capture === undefined ? {} : { capture }),
      ...(finding === undefined
        ? {}
        : { readAgeMs: Math.round(this.#setup.world.clock.monotonicMs() - finding.atMs) }),
    }
  }

  async resolve(target: string): Promise<ResolvedPoint> {
    const { capture, cluster } = this.#setup
    if (capture === undefined) throw notKeptHere(`the archive of ${cluster.name}`)
    const work: ResolveWork = {
      archiveDirectory: capture.archiveDirectory,
      backups: await this.snapshots(),
      target,
    }
    return await askWorkerThread<ResolvedPoint>(new URL('./resolve-worker.ts', import.meta.url), work)
  }

  async snapshots(): Promise<readonly KeptSnapshot[]> {
    const { vault: config, cluster, estate } = this.#setup
    if (config === undefined || this.vault === undefined) return []
    const catalogue = await readCatalogue(vaultOf(this.vault, await readPin(config.pinFile)))
    return snapshotsOf(catalogue, { estate: estate.id, component: cluster.id })
  }

  async backUp(): Promise<KeptSnapshot> {
    const { vault, cluster, estate, world } = this.#setup
    if (vault === undefined) throw notKeptHere(`the vault of ${cluster.name}`)
    const id = await backUpInto(vault, { estate, cluster, world, signal: this.#stop.signal })
    const made = (await this.snapshots()).find((one) => one.id === id)
    if (made === undefined) throw notKeptHere(`the snapshot ${id}`)
    return made
  }

  async confirmRestored(restored: RestoredSnapshot): Promise<void> {
    const { vault, cluster, estate, world } = this.#setup
    if (vault === undefined) throw notKeptHere(`the vault of ${cluster.name}`)
    await confirmInto(vault, restored, { estate, cluster, world })
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closed'))
    await Promise.all([this.#watch, this.#capture?.close()])
  }

  async #readCopies(signal: AbortSignal): Promise<void> {
    const { capture, vault, estate, cluster, world } = this.#setup
    const work: FindingWork = {
      of: { estate: estate.id, component: cluster.id },
      ...(capture === undefined ? {} : { archiveDirectory: capture.archiveDirectory }),
      ...(vault === undefined
        ? {}
        : { vault: { storeDirectory: vault.storeDirectory, pinFile: vault.pinFile } }),
    }
    const worker = startWorkerThread<CopiesFinding>(new URL('./finding-worker.ts', import.meta.url), work)
    const stop = (): void => worker.stop()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    worker.onEvent((found) => (this.#finding = { atMs: world.clock.monotonicMs(), found }))
    await worker.ended.finally(() => signal.removeEventListener('abort', stop))
  }
}

/** Every member is a place where the primary may be. */
function captureConfig(
  estate: Estate,
  cluster: PostgresComponent,
  config: AgentCaptureConfig,
): CaptureConfig {
  const { component: _, user, passwordRef, ...rest } = config
  const reference = passwordRef ?? (user === undefined ? cluster.passwordRef : undefined)
  return {
    ...rest,
    format: captureConfigFormat,
    sources: cluster.members.map(({ host, port }) => ({ address: hostNamed(estate, host).address, port })),
    user: user ?? cluster.user,
    ...(reference === undefined ? {} : { passwordRef: reference }),
    database: cluster.database,
  }
}
