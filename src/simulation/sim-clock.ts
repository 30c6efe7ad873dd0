import type { Clock } from '../ports/clock.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimProcess } from './sim-process.ts'

/** A process's view of its host's clocks. The monotonic origin differs per process: readings of two processes mean nothing together. */
export class SimClock implements Clock {
  readonly #loop: EventLoop
  readonly #process: SimProcess
  readonly #originMs: number
  readonly #sleepers = new WeakMap<AbortSignal, Set<() => void>>()

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
    const sleepers = signal === undefined ? undefined : this.#sleepersUnder(signal)
    const timer = this.#loop.after(trueUs, () => {
      this.#process.resume(() => {
        sleepers?.delete(abort)
        resolve()
      })
    })
    const abort = (): void => {
      this.#loop.cancel(timer)
      reject(signal?.reason as Error)
    }
    sleepers?.add(abort)
    return promise
  }

  /** One listener a signal, however often it is slept under: listeners are what a sleep costs most. */
  #sleepersUnder(signal: AbortSignal): Set<() => void> {
    const known = this.#sleepers.get(signal)
    if (known !== undefined) return known
    const sleepers = new Set<() => void>()
    this.#sleepers.set(signal, sleepers)
    signal.addEventListener(
      'abort',
      () => {
        for (const abort of sleepers) abort()
      },
      { once: true },
    )
    return sleepers
  }
}
