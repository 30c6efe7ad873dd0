import { openSync, writeSync } from 'node:fs'
import { stamps } from '../workload/client-log.ts'

/** What was done to the lab, and when: for the checker only. */
export interface FaultLog {
  write(entry: FaultLogEntry): void
}

export interface FaultLogEntry {
  /** `planned` before the wait, `beginning` before the first effect, `began` when it is in force, `ended` when it was taken back. */
  readonly event: 'planned' | 'beginning' | 'began' | 'ended'
  readonly fault: string
  readonly target: string
  readonly seed: number
  readonly delayMs?: number
  /** How many processes were hit. */
  readonly processes?: number
}

export function openFaultLog(path: string): FaultLog {
  const file = openSync(path, 'a', 0o644)
  return {
    write: (entry) =>
      writeSync(file, `${JSON.stringify({ format: 'pointzero/fault-log/1', ...entry, ...stamps() })}\n`),
  }
}
