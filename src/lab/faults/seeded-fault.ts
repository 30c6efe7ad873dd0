import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { isLabHostName } from '../lab-host.ts'
import type { LabHostName } from '../lab-host.ts'
import { faultLogFile, productRoot } from '../lab-paths.ts'
import { isRunning, startLabProcess } from '../lab-process.ts'
import type { Lab } from '../lab.ts'
import type { FaultLogEntry } from './fault-log.ts'

export interface FaultOrder {
  readonly seed: number
  readonly earliestMs: number
  readonly latestMs: number
}

export interface FaultDone {
  readonly host: LabHostName
  readonly processes: number
}

const program = join(productRoot, 'src', 'lab', 'faults', 'fault-main.ts')
/** Beyond the latest moment: starting the program, finding the primary, killing. */
const graceMs = 60_000

/**
 * The primary's zone is lost, by another process, at a moment that only its seed knows. It finds the primary by asking the servers, and
 * writes what it did into the fault log: for the checker, and for whoever watches. Resolves when the fault is in force.
 */
export async function loseZoneOfPrimary(
  lab: Lab,
  order: FaultOrder,
  signal: AbortSignal,
): Promise<FaultDone> {
  const { seed, earliestMs, latestMs } = order
  const moment = ['--seed', `${seed}`, '--earliest-ms', `${earliestMs}`, '--latest-ms', `${latestMs}`]
  const what = ['--directory', lab.state.directory, '--fault', 'kill-zone', '--target', 'primary']
  const running = await startLabProcess(lab.state, {
    name: 'fault',
    host: 'client',
    argv: [process.execPath, program, ...what, ...moment],
  })
  const deadline = performance.now() + latestMs + graceMs
  while (isRunning(running) && performance.now() < deadline) await sleep(100, undefined, { signal })
  const began = entries(faultLogFile(lab.state.directory)).find(({ event }) => event === 'began')
  if (began !== undefined && isLabHostName(began.target))
    return { host: began.target, processes: began.processes ?? 0 }
  throw new RecoveryError({
    code: 'LAB_FAULT_NOT_DONE',
    class: 'permanent',
    message: `no zone was lost: ${readFileSync(running.logFile, 'utf8').trim().slice(-1000)}`,
    hint: `read ${running.logFile}`,
  })
}

function entries(file: string): readonly FaultLogEntry[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as FaultLogEntry)
}
