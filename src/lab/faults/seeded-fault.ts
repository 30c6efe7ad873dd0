import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { isLabHostName } from '../lab-host.ts'
import type { LabHostName } from '../lab-host.ts'
import { faultLogFile, productRoot } from '../lab-paths.ts'
import { isRunning, startLabProcess } from '../lab-process.ts'
import type { Lab } from '../lab.ts'
import type { CorruptionName } from './corruption.ts'
import { destroyDataFault } from './destroy-data.ts'
import type { FaultLogEntry } from './fault-log.ts'

export interface FaultOrder {
  readonly seed: number
  readonly earliestMs: number
  readonly latestMs: number
}

export interface ZoneLost {
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
export async function loseZoneOfPrimary(lab: Lab, order: FaultOrder, signal: AbortSignal): Promise<ZoneLost> {
  const log = faultLogFile(lab.state.directory)
  const { target, processes = 0 } = await inflict(lab, { fault: 'kill-zone', log, ...order }, signal)
  if (isLabHostName(target)) return { host: target, processes }
  throw notDone(`${target} is no host`, log)
}

/**
 * A corruption, chosen like its moment by the seed, committed by another process. Resolves when its commit was confirmed; what it was
 * is in the log for the checker, and whoever recovers has to find it.
 */
export async function corruptDatabase(
  lab: Lab,
  order: FaultOrder & { readonly kind: CorruptionName | 'corrupt-any'; readonly log: string },
  signal: AbortSignal,
): Promise<void> {
  await inflict(lab, { fault: order.kind, ...order }, signal)
}

/** Every data directory of the cluster is removed by another process, servers included. Resolves when nothing of them is left. */
export async function destroyAllData(
  lab: Lab,
  order: FaultOrder & { readonly log: string },
  signal: AbortSignal,
): Promise<void> {
  await inflict(lab, { fault: destroyDataFault, ...order }, signal)
}

async function inflict(
  lab: Lab,
  order: FaultOrder & { readonly fault: string; readonly log: string },
  signal: AbortSignal,
): Promise<FaultLogEntry> {
  const { fault, log, seed, earliestMs, latestMs } = order
  const moment = ['--seed', `${seed}`, '--earliest-ms', `${earliestMs}`, '--latest-ms', `${latestMs}`]
  const what = ['--directory', lab.state.directory, '--fault', fault, '--target', 'primary', '--log', log]
  const running = await startLabProcess(lab.state, {
    name: fault,
    host: 'client',
    argv: [process.execPath, program, ...what, ...moment],
  })
  const deadline = performance.now() + latestMs + graceMs
  while (isRunning(running) && performance.now() < deadline) await sleep(100, undefined, { signal })
  const began = entries(log).find(({ event }) => event === 'began')
  if (began !== undefined) return began
  throw notDone(readFileSync(running.logFile, 'utf8').trim().slice(-1000), running.logFile)
}

function notDone(why: string, file: string): RecoveryError {
  return new RecoveryError({
    code: 'LAB_FAULT_NOT_DONE',
    class: 'permanent',
    message: `the fault did not begin: ${why}`,
    hint: `read ${file}`,
  })
}

function entries(file: string): readonly FaultLogEntry[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as FaultLogEntry)
}
