import { RecoveryError } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'

const firstWaitMs = 20
const longestWaitMs = 1_000
/** Longer than any election of a control store; then a person should look. */
const patienceMs = 300_000

/** Repeats a store operation that may be repeated, while the store can not be reached or its answer was lost. */
export async function patiently<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  operation: () => Promise<T>,
): Promise<T> {
  const startedMs = clock.monotonicMs()
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    signal?.throwIfAborted()
    try {
      return await operation()
    } catch (error) {
      const again = error instanceof RecoveryError && ['transient', 'unknown-outcome'].includes(error.class)
      if (!again || clock.monotonicMs() - startedMs >= patienceMs) throw error
      await clock.sleep(waitMs, signal)
    }
  }
}
