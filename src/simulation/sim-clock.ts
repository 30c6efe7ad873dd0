import type { Clock } from '../ports/clock.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimProcess } from './sim-process.ts'

/** A process's view of its host's clocks. The monotonic origin differs per process: readings of two processes mean nothing together. */
export class SimClock implements Clock {
  readonly #loop: EventLoop
  readonly #process: SimProcess
  readonly #originMs: number

  constructor(loop: EventLoop, process: SimProcess, originMs: number) {
    this.#loop = loop
    this.#process = process
    this.#originMs = originMs
  }

  now(): number {
    return this.#process.host.wallMs()
  }

  monotonicMs(): number {
    return this.#originMs + this.#process.host.monotonicMs()
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (signal?.aborted === true) {
      reject(signal.reason as Error)
      return promise
    }
    const trueUs = Math.max(0, Math.round((durationMs * 1000) / this.#process.host.clockRate))
    const abort = (): void => {
      this.#loop.cancel(timer)
      reject(signal?.reason as Error)
    }
    const timer = this.#loop.after(trueUs, () => {
      this.#process.resume(() => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
    })
    signal?.addEventListener('abort', abort, { once: true })
    return promise
  }
}
