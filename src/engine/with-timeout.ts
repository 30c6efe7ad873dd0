import type { Clock } from '../ports/clock.ts'

/** The result of `work`, or `expired` thrown after `timeoutMs`, or the signal's reason when aborted. `work` itself goes on unheard. */
export async function withTimeout<T>(
  clock: Clock,
  timeoutMs: number,
  expired: Error,
  signal: AbortSignal,
  work: Promise<T>,
): Promise<T> {
  const settled = new AbortController()
  const bound = AbortSignal.any([signal, settled.signal])
  const timer = clock.sleep(timeoutMs, bound).then(
    () => {
      throw expired
    },
    (reason: unknown) => {
      if (!settled.signal.aborted) throw reason
    },
  )
  try {
    return await Promise.race([work, timer as Promise<never>])
  } finally {
    settled.abort()
    timer.catch(() => {
      // The race is over; its loser is nobody's.
    })
    work.catch(() => {
      // The same: an answer that came too late.
    })
  }
}
