import type { Clock } from '../../ports/clock.ts'

/** The work's own outcome, or what `late` throws when it takes longer. The work goes on unless `late` ends it. */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  work: Promise<T>,
  late: () => Error,
): Promise<T> {
  const timer = new AbortController()
  const expiry = clock.sleep(timeoutMs, timer.signal).then(
    () => {
      throw late()
    },
    // Aborted because the work was in time: never settles the race.
    () => new Promise<never>(() => undefined),
  )
  try {
    return await Promise.race([work, expiry])
  } finally {
    timer.abort()
    // When the work is late, its own outcome is nobody's any more.
    work.catch(() => undefined)
  }
}

/** Asks until the answer is not `undefined`, at most for `timeoutMs`; then `undefined`. */
export async function waitUntil<T>(
  clock: Clock,
  timeoutMs: number,
  everyMs: number,
  ask: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const start = clock.monotonicMs()
  for (;;) {
    const answer = await ask()
    if (answer !== undefined || clock.monotonicMs() - start >= timeoutMs) return answer
    await clock.sleep(everyMs)
  }
}
