import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { kill, platform } from 'node:process'

/**
 * What the operating system says about processes of one cluster. A postmaster and all its children have the data directory as
 * their working directory, so on Linux they are found even when postmaster.pid is gone or names a recycled pid.
 */

/** A zombie is dead: it can not write any more. */
export async function isAlive(pid: number): Promise<boolean> {
  if (platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
    return stat !== '' && !'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2)[0] as string)
  }
  try {
    kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether the process is a PostgreSQL of this data directory; where that can not be seen, whether it lives. */
export async function servesDirectory(pid: number, dataDirectory: string): Promise<boolean> {
  if (!(await isAlive(pid))) return false
  return platform !== 'linux' || (await hasDirectory(pid, await realPathOf(dataDirectory)))
}

/** Pids of all PostgreSQL processes of the data directory, with or without a postmaster. */
export async function processesOf(dataDirectory: string): Promise<readonly number[]> {
  if (platform !== 'linux') return []
  const real = await realPathOf(dataDirectory)
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (Number.isInteger(pid) && (await hasDirectory(pid, real)) && (await isAlive(pid))) found.push(pid)
  }
  return found
}

/** Nothing to signal is no error: the process is gone, which is what any signal here is for. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function hasDirectory(pid: number, directory: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
  // A directory that was removed under a process is shown as "… (deleted)".
  if (cwd !== directory && cwd !== `${directory} (deleted)`) return false
  const program = await readlink(`/proc/${pid}/exe`).catch(() => '')
  // An upgraded binary is shown as "postgres (deleted)".
  return /^postgres( |$)/.test(basename(program))
}

async function realPathOf(path: string): Promise<string> {
  return await realpath(path).catch(() => path)
}
