import type { Clock } from '../ports/clock.ts'

/** Why the timer of work that has ended is stopped; nobody sees it. */
const settledFirst = new Error('settled before its time-out')

/**
 * The result of `work`, or what `expired` makes thrown after `timeoutMs`, or the signal's reason when aborted. `work` itself goes on
 * unheard.
 */
export async function withTimeout<T>(
  clock: Clock,
  timeoutMs: number,
  expired: () => Error,
  signal: AbortSignal,
  work: Promise<T>,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const over = new AbortController()
  const forward = (): void => reject(signal.reason)
  if (signal.aborted) forward()
  else signal.addEventListener('abort', forward, { once: true })
  clock.sleep(timeoutMs, over.signal).then(
    () => reject(expired()),
    (reason: unknown) => {
      if (reason !== settledFirst) reject(reason)
    },
  )
  work.then(resolve, reject)
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', forward)
    over.abort(settledFirst)
  }
}
