/** Time, passed in. Wall time is for stamps that people read; every decision about elapsed time uses the monotonic clock. */
export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01T00:00:00Z. May step in either direction. Never subtract two of these. */
  now(): number
  /** Milliseconds since an arbitrary origin of this process; never goes back; comparable only within one process. */
  monotonicMs(): number
  /** Resolves after `durationMs`; rejects with the signal's reason when aborted. Holds the process open. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>
}
