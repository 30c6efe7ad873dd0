import type { CaptureConfig } from '../../domain/capture-config.ts'
import type { CaptureView } from '../../ports/kept-copies.ts'
import type { SystemWorld } from '../../platform/system-world.ts'
import { CaptureProcess } from '../compose-capture.ts'
import { keepRunning } from './keep-running.ts'

const restartPauseMs = 3_000

/** A capture inside an agent: what kills it is logged, shown, and no more; it is started again. */
export class SupervisedCapture {
  readonly #world: SystemWorld
  readonly #applicationName: string
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #running: CaptureProcess | undefined
  /** What to say while none runs. */
  #last: CaptureView

  constructor(world: SystemWorld, config: CaptureConfig) {
    this.#world = world
    this.#applicationName = config.applicationName
    this.#last = nothingYet(world.clock.now())
    const { signal } = this.#stop
    const { clock, log } = world
    this.#done = keepRunning(
      {
        clock,
        log,
        name: `capture into ${config.archiveDirectory}`,
        pauseMs: restartPauseMs,
        signal,
        onEnd: (reason) => this.#ended(reason),
      },
      async () => this.#runOnce(config, signal),
    )
  }

  view(): CaptureView {
    const applicationName = this.#applicationName
    if (this.#running === undefined) return { ...this.#last, applicationName }
    const { protection, source, timeline, durableLsn, exposedMs, alarms } = this.#running.state()
    return { applicationName, protection, source, timeline, durableLsn, exposedMs, alarms }
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closed'))
    await this.#done
  }

  async #runOnce(config: CaptureConfig, signal: AbortSignal): Promise<void> {
    const capture = await CaptureProcess.open(config, process.env)
    this.#running = capture
    const { promise: stopped, resolve } = Promise.withResolvers<void>()
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
    try {
      await Promise.race([stopped, capture.ended])
    } finally {
      this.#last = this.view()
      this.#running = undefined
      await capture.close()
    }
  }

  #ended(reason: string): void {
    const { protection } = this.#last
    const sinceMs = protection.kind === 'degraded' ? protection.sinceMs : this.#world.clock.now()
    this.#last = { ...this.#last, protection: { kind: 'degraded', sinceMs, reason }, exposedMs: null }
  }
}

function nothingYet(nowMs: number): CaptureView {
  return {
    protection: { kind: 'degraded', sinceMs: nowMs, reason: 'not started yet' },
    source: null,
    timeline: null,
    durableLsn: null,
    exposedMs: null,
    alarms: [],
  }
}
