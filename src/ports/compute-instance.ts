/** One copy of an application process that belongs to a component of kind compute, on this agent's host. */
export interface ComputeInstance {
  readonly name: string
  observe(): Promise<{ readonly running: boolean; readonly ready: boolean }>
  /** Idempotent; resolves when the instance says that it is ready. */
  start(): Promise<void>
  /** Idempotent; resolves when no process of it remains. */
  stop(): Promise<void>
}
