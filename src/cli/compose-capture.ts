import { join } from 'node:path'
import { ArchivistDesk } from '../capture/archivist-desk.ts'
import { Archivist } from '../capture/archivist.ts'
import { readIdentity, statePath } from '../capture/archive-layout.ts'
import { captureState, heard, initialFacts, read } from '../capture/capture-state.ts'
import type { CaptureFacts, CaptureState } from '../capture/capture-state.ts'
import type { CaptureEvent } from '../capture/capture-event.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { CaptureConfig } from '../domain/capture-config.ts'
import { JsonLog } from '../platform/json-log.ts'
import { openSystemArchive } from '../platform/system-archive.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { SystemFiles } from '../platform/system-files.ts'
import { startWorkerThread } from '../platform/worker-thread.ts'
import type { ArchiveDirectory, ArchiveLock } from '../ports/archive-directory.ts'
import type { Worker } from '../ports/worker.ts'
import { CaptureWatch } from './capture-watch.ts'
import type { CaptureLogin } from './capture-sources.ts'
import { secretOf } from './secret-reference.ts'
import { tlsSettings } from './tls-settings.ts'
import type { ReceiverWork } from './wal-receiver-worker.ts'

const receiverDefaults = {
  statusIntervalMs: 5_000,
  silenceMs: 30_000,
  unsyncedBytesMax: 64 << 20,
  retryMs: 500,
  refusedRetryMs: 5_000,
  progressIntervalMs: 100,
} as const
const stateIntervalMs = 500
const stateFileIntervalMs = 5_000

/** `pointzero capture`: the receiver in its thread, ledger and clock behind it, and the true state for everybody. */
export class CaptureProcess {
  readonly #config: CaptureConfig
  readonly #archive: ArchiveDirectory
  readonly #lock: ArchiveLock
  readonly #worker: Worker<CaptureEvent>
  readonly #watch: CaptureWatch | undefined
  readonly #clock = new SystemClock()
  readonly #log = new JsonLog({ who: 'capture' })
  readonly #stop = new AbortController()
  readonly #onState: (state: CaptureState) => void
  #facts: CaptureFacts
  readonly #desk: ArchivistDesk
  /** Settles when it ended by itself; rejected with what it died of. */
  readonly ended: Promise<void>

  private constructor(
    config: CaptureConfig,
    archive: ArchiveDirectory,
    lock: ArchiveLock,
    login: CaptureLogin,
    onState: (state: CaptureState) => void,
  ) {
    this.#config = config
    this.#onState = onState
    this.#archive = archive
    this.#lock = lock
    this.#facts = initialFacts(this.#clock.now())
    const { slot, allowUnlimitedSlot = false, systemIdentifier, statusIntervalMs, silenceMs } = config
    const work: ReceiverWork = {
      archiveDirectory: config.archiveDirectory,
      sources: config.sources,
      login,
      options: {
        ...receiverDefaults,
        allowUnlimitedSlot,
        ...(slot === undefined ? {} : { slot }),
        ...(systemIdentifier === undefined ? {} : { systemIdentifier }),
        ...(statusIntervalMs === undefined ? {} : { statusIntervalMs }),
        ...(silenceMs === undefined ? {} : { silenceMs }),
      },
    }
    this.#watch =
      config.database === undefined
        ? undefined
        : new CaptureWatch({
            config,
            database: config.database,
            login,
            archive,
            clock: this.#clock,
            log: this.#log,
          })
    this.#desk = new ArchivistDesk(async () => this.#openArchivist())
    this.#worker = startWorkerThread(new URL('./wal-receiver-worker.ts', import.meta.url), work)
    this.#worker.onEvent((event) => this.#hear(event))
    this.ended = Promise.race([this.#worker.ended, this.#keepState(), this.#watchArchivist()])
    this.ended.catch(() => undefined)
  }

  /** `onState`: what people want to know changed. Called from the start on, also while what an earlier process left undone is caught up with. */
  static async open(
    config: CaptureConfig,
    environment: Readonly<Record<string, string | undefined>>,
    onState: (state: CaptureState) => void = () => undefined,
  ): Promise<CaptureProcess> {
    const archive = openSystemArchive(config.archiveDirectory)
    const login = await loginOf(config, environment)
    const lock = await archive.lock()
    const capture = new CaptureProcess(config, archive, lock, login, onState)
    try {
      await capture.#desk.open()
    } catch (error) {
      // Whoever starts it again in this process needs the lock.
      await capture.close()
      throw error
    }
    return capture
  }

  /** Now. */
  state(): CaptureState {
    return captureState(this.#facts, {
      hasSlot: this.#config.slot !== undefined,
      nowMs: this.#clock.now(),
    })
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closed'))
    this.#worker.stop()
    try {
      await this.#worker.ended.catch(() => undefined)
      await this.#desk.close()
    } finally {
      this.#watch?.close()
      this.#lock.release()
    }
  }

  #hear(event: CaptureEvent): void {
    this.#facts = heard(this.#facts, event, this.#clock.now())
    if (event.kind === 'gap' || event.kind === 'conflict')
      this.#log.warn(`capture-${event.kind}`, { ...event })
    this.#desk.note(event)
  }

  /** The receiver binds an empty archive to its database first. */
  async #openArchivist(): Promise<Archivist | undefined> {
    const identity = await readIdentity(this.#archive)
    if (identity === undefined) return undefined
    return Archivist.open({ archive: this.#archive, clock: this.#clock, log: this.#log }, identity)
  }

  async #watchArchivist(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#desk.settled()
      await this.#clock.sleep(stateIntervalMs, this.#stop.signal).catch(() => undefined)
    }
  }

  async #keepState(): Promise<void> {
    const files = new SystemFiles()
    let shown = ''
    let writtenAtMs = Number.NEGATIVE_INFINITY
    while (!this.#stop.signal.aborted) {
      const reading = await this.#watch?.read(this.#facts.source, this.#desk.newRelations)
      if (reading !== undefined) this.#facts = read(this.#facts, reading)
      const state = this.state()
      const key = `${state.protection.kind} ${state.source} ${state.timeline} ${state.alarms.join(' ')}`
      if (key !== shown) this.#onState(state)
      const isDue = this.#clock.monotonicMs() - writtenAtMs > stateFileIntervalMs
      if (key !== shown || isDue) {
        const text = `${canonicalJson({ ...state, atMs: Math.round(this.#clock.now()) })}\n`
        await files
          .replace(join(this.#archive.name, statePath), new TextEncoder().encode(text))
          // Receiving matters more than saying so, and has its own opinion of a full disk.
          .catch((error: unknown) => this.#log.warn('capture-state-not-written', { error: String(error) }))
        writtenAtMs = this.#clock.monotonicMs()
      }
      shown = key
      await this.#clock.sleep(stateIntervalMs, this.#stop.signal).catch(() => undefined)
    }
  }
}

async function loginOf(
  config: CaptureConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<CaptureLogin> {
  const password =
    config.passwordRef === undefined ? undefined : await secretOf(config.passwordRef, environment)
  return {
    user: config.user,
    applicationName: config.applicationName,
    ...(password === undefined ? {} : { password }),
    tls: await tlsSettings(config.tls),
  }
}
