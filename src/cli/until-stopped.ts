import { JsonLog } from '../platform/json-log.ts'
import { watchLoop } from '../platform/loop-watch.ts'
import type { Terminal } from './terminal.ts'

export interface RunningProcess {
  readonly port: number
  close(): Promise<void>
  /** Settles when it ended by itself; rejected when it died of a bug. */
  readonly ended: Promise<void>
}

/** Says that it listens, as one JSON line that a supervisor can wait for, and closes in order when it is told to stop. */
export async function untilStopped(terminal: Terminal, running: RunningProcess): Promise<void> {
  terminal.write(`${JSON.stringify({ listening: running.port })}\n`)
  const stopWatch = watchLoop(new JsonLog())
  const { promise, resolve } = Promise.withResolvers<void>()
  if (terminal.stop.aborted) resolve()
  terminal.stop.addEventListener('abort', () => resolve(), { once: true })
  // Serving on without its watches would look alive and protect nothing: the process ends, and its supervisor starts it again.
  await Promise.race([promise, running.ended])
  await running.close()
  stopWatch()
}
