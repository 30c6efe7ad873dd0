import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * Clock ticks since boot at which the process began; with the pid it names one process for ever. Undefined when there is none, and
 * for one that ended already and waits for its parent.
 */
export function startOfProcess(pid: number): string | undefined {
  const stat = readProc(pid, 'stat')
  if (stat === undefined) return undefined
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' || state === 'X' ? undefined : rest[18]
}

export function allPids(): readonly number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
}

export function environmentOf(pid: number): readonly string[] {
  return readProc(pid, 'environ')?.split('\0') ?? []
}

export function argumentsOf(pid: number): readonly string[] {
  return readProc(pid, 'cmdline')?.split('\0') ?? []
}

export function workingDirectoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined // it ended, or it belongs to another user
  }
}

/** False when there is no such process any more. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false
    throw error
  }
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined // it ended, or it belongs to another user
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
