import type { Terminal } from './terminal.ts'

export interface RunningProcess {
  readonly port: number
  close(): Promise<void>
}

/** Says that it listens, as one JSON line that a supervisor can wait for, and closes in order when it is told to stop. */
export async function untilStopped(terminal: Terminal, running: RunningProcess): Promise<void> {
  terminal.write(`${JSON.stringify({ listening: running.port })}\n`)
  const { promise, resolve } = Promise.withResolvers<void>()
  if (terminal.stop.aborted) resolve()
  terminal.stop.addEventListener('abort', () => resolve(), { once: true })
  await promise
  await running.close()
}
