import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, closeSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { LabHostName } from './lab-host.ts'
import type { LabState } from './lab-state.ts'
import { signalProcess, startOfProcess } from './process-table.ts'
import { searchPath } from './run-command.ts'

export interface LabProcess {
  readonly name: string
  readonly host: LabHostName
  readonly pid: number
  /** See startOfProcess: a pid alone may belong to somebody else by now. */
  readonly start: string
  readonly logFile: string
}

export interface LabProcessOptions {
  readonly name: string
  readonly host: LabHostName
  /** Complete, with what places it on its host. */
  readonly argv: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** Every process of a lab inherits these, so that one that was not recorded is found too. */
export function labMarks(state: LabState, host: LabHostName): Readonly<Record<string, string>> {
  return { POINTZERO_LAB: state.instance, POINTZERO_LAB_HOST: host }
}

/** Starts it in a process group of its own, writes its output to `<lab>/logs/<name>.log`, and records it. */
export async function startLabProcess(state: LabState, options: LabProcessOptions): Promise<LabProcess> {
  const { name, host, argv } = options
  const logFile = logFileOf(state, name)
  mkdirSync(join(state.directory, 'logs'), { recursive: true })
  const log = openSync(logFile, 'a')
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    cwd: state.directory,
    stdio: ['ignore', log, log],
    detached: true,
    env: { PATH: searchPath, LC_ALL: 'C', ...options.environment, ...labMarks(state, host) },
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.on('spawn', resolve).on('error', reject)
  await promise.finally(() => closeSync(log))
  child.unref()
  const pid = child.pid ?? 0
  const recorded = { name, host, pid, start: startOfProcess(pid) ?? '', logFile }
  mkdirSync(processesDirectory(state), { recursive: true })
  writeFileSync(join(processesDirectory(state), `${name}.${pid}.json`), `${JSON.stringify(recorded)}\n`)
  return recorded
}

/** Every process of that name writes behind the ones before it. */
export function logFileOf({ directory }: LabState, name: string): string {
  return join(directory, 'logs', `${name}.log`)
}

export function recordedProcesses(state: LabState): readonly LabProcess[] {
  if (!existsSync(processesDirectory(state))) return []
  return readdirSync(processesDirectory(state)).map((file) => {
    return JSON.parse(readFileSync(join(processesDirectory(state), file), 'utf8')) as LabProcess
  })
}

export function isRunning({ pid, start }: LabProcess): boolean {
  return start !== '' && startOfProcess(pid) === start
}

/** Signals the whole group; a process that ended, or whose pid is somebody else's now, is left alone. */
export function signalGroup(recorded: LabProcess, signal: NodeJS.Signals): void {
  if (isRunning(recorded)) signalProcess(-recorded.pid, signal)
}

/** Asks, waits, and then kills the group. Resolves when the process is gone. */
export async function stopLabProcess(recorded: LabProcess, graceMs: number): Promise<void> {
  signalGroup(recorded, 'SIGTERM')
  if (await hasEnded(recorded, graceMs)) return
  signalGroup(recorded, 'SIGKILL')
  if (await hasEnded(recorded, 5000)) return
  throw new RecoveryError({
    code: 'LAB_PROCESS_REMAINS',
    class: 'permanent',
    message: `${recorded.name} (process ${recorded.pid}) did not end when it was killed`,
    hint: `see /proc/${recorded.pid}/stack`,
  })
}

async function hasEnded(recorded: LabProcess, withinMs: number): Promise<boolean> {
  for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(20)) {
    if (!isRunning(recorded)) return true
  }
  return !isRunning(recorded)
}

function processesDirectory({ directory }: LabState): string {
  return join(directory, 'processes')
}
