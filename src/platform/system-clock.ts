import type { Clock } from '../ports/clock.ts'

/** The largest delay that a timer of this runtime holds; a longer one would fire at once. */
const timerMaxMs = 2_147_483_647

export class SystemClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonicMs(): number {
    return performance.now()
  }

  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    const untilMs = this.monotonicMs() + durationMs
    do {
      await sleepOnce(Math.min(Math.max(untilMs - this.monotonicMs(), 0), timerMaxMs), signal)
    } while (this.monotonicMs() < untilMs - 1)
  }
}

async function sleepOnce(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const aborted = (): void => reject(signal?.reason)
  const timer = setTimeout(resolve, durationMs)
  signal?.addEventListener('abort', aborted, { once: true })
  try {
    await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  }
}
