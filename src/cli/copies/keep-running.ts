import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'

export interface KeepRunning {
  readonly clock: Clock
  readonly log: Log
  /** What it is, for the log. */
  readonly name: string
  readonly pauseMs: number
  readonly signal: AbortSignal
  /** Told before the pause, with why it ended. */
  readonly onEnd?: (reason: string) => void
}

/** Runs `work` again and again, with a pause, until told to stop. However it dies, nothing around it does. */
export async function keepRunning(
  { clock, log, name, pauseMs, signal, onEnd }: KeepRunning,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    let reason = 'it ended by itself'
    try {
      await work()
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
    }
    if (signal.aborted) return
    log.warn('started-again', { what: name, reason })
    onEnd?.(reason)
    await clock.sleep(pauseMs, signal).catch(() => undefined)
  }
}
