/** A thread of its own: nothing that another thread does delays it. Messages are plain data and keep their order. */
export interface Worker<Event> {
  /** Settles when it ended; rejects with what it died of. Events that were sent before were handed over. */
  readonly ended: Promise<void>
  /** Tells it to finish in order. Idempotent; `ended` says when it did. */
  stop(): void
  onEvent(handler: (event: Event) => void): void
}

/** The other side of it. */
export interface WorkerSide<Event> {
  readonly stop: AbortSignal
  readonly send: (event: Event) => void
}
