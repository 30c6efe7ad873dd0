import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { kill } from 'node:process'
import { createInterface } from 'node:readline'
import { RecoveryError } from '../../domain/recovery-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ComputeInstance } from '../../ports/compute-instance.ts'

export interface ProcessInstanceConfig {
  readonly name: string
  /** argv, never a shell. `{host}` and `{port}` are replaced in every argument. */
  readonly command: readonly string[]
  readonly host: string
  readonly port: number
  /** All of it: nothing of this process's environment is passed on. */
  readonly environment: Readonly<Record<string, string>>
  readonly workingDirectory: string
  readonly runAs?: { readonly uid: number; readonly gid: number }
  readonly startTimeoutMs?: number
  /** What it prints beside `ready`. */
  readonly onLine?: (line: string) => void
}

const stopGraceMs = 2_000
const killAttempts = 500

/** An instance is ready when it prints the line `ready` on its standard output. */
export function openProcessInstance(config: ProcessInstanceConfig, clock: Clock): ComputeInstance {
  return new ProcessInstance(config, clock)
}

interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly ready: Promise<boolean>
  readonly exited: Promise<void>
  isReady: boolean
}

class ProcessInstance implements ComputeInstance {
  readonly #config: ProcessInstanceConfig
  readonly #clock: Clock
  #running: Running | undefined

  constructor(config: ProcessInstanceConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
  }

  get name(): string {
    return this.#config.name
  }

  async observe(): Promise<{ readonly running: boolean; readonly ready: boolean }> {
    return { running: this.#running !== undefined, ready: this.#running?.isReady === true }
  }

  async start(): Promise<void> {
    this.#running ??= this.#spawn()
    const running = this.#running
    const timer = new AbortController()
    const late = this.#clock.sleep(this.#config.startTimeoutMs ?? 15_000, timer.signal).then(
      () => 'late' as const,
      () => 'aborted' as const,
    )
    const ready = await Promise.race([running.ready, late])
    timer.abort()
    if (ready === true) return
    // A copy that never became ready is not left half alive.
    if (ready === 'late') await this.stop()
    throw notReady(
      this.name,
      ready === 'late' ? 'it did not print "ready" in time' : 'it ended before it was ready',
    )
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    signalGroup(running.pid, 'SIGTERM')
    const timer = new AbortController()
    await Promise.race([running.exited, this.#clock.sleep(stopGraceMs, timer.signal).catch(() => undefined)])
    timer.abort()
    // Its own children too, whether or not it took them along.
    for (let attempt = 0; signalGroup(running.pid, 'SIGKILL'); attempt++) {
      if (attempt === killAttempts) throw notStopped(this.name, running.pid)
      await this.#clock.sleep(10)
    }
    await running.exited
  }

  #spawn(): Running {
    const { command, host, port, environment, workingDirectory, runAs, onLine } = this.#config
    const [program = '', ...args] = command.map((part) =>
      part.replaceAll('{host}', host).replaceAll('{port}', String(port)),
    )
    const child = spawn(program, args, {
      cwd: workingDirectory,
      env: { ...environment },
      // A process group of its own, so that stop reaches what it started.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(runAs === undefined ? {} : runAs),
    })
    const exited = new Promise<void>((resolve) => {
      child.once('error', () => resolve())
      child.once('exit', () => resolve())
    })
    const ready = Promise.withResolvers<boolean>()
    const running: Running = { child, pid: child.pid ?? 0, ready: ready.promise, exited, isReady: false }
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') {
        running.isReady = true
        ready.resolve(true)
      } else onLine?.(line)
    })
    void exited.then(() => {
      // What it started does not outlive it.
      signalGroup(running.pid, 'SIGKILL')
      ready.resolve(false)
      running.isReady = false
      if (this.#running === running) this.#running = undefined
    })
    return running
  }
}

/** False when nobody of the group is left. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  if (pid === 0) return false
  try {
    kill(-pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    return false
  }
}

function notReady(name: string, why: string): RecoveryError {
  return new RecoveryError({
    code: 'COMPUTE_NOT_READY',
    class: 'transient',
    message: `${name}: ${why}`,
    hint: 'run its command by hand with the same arguments and environment',
  })
}

function notStopped(name: string, pid: number): RecoveryError {
  return new RecoveryError({
    code: 'COMPUTE_NOT_STOPPED',
    class: 'permanent',
    message: `${name}: processes of group ${pid} survive SIGKILL`,
    hint: `look for them on the host: \`ps -o pid,stat,args -g ${pid}\``,
  })
}
