import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../ports/clock.ts'
import { waitUntil } from './deadline.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { readIfExists, removeDurably } from './owned-file.ts'
import { permanent } from './postgres-failure.ts'
import { isAlive, processesOf, servesDirectory, signalProcess } from './process-table.ts'

const watchEveryMs = 50

/** The postmaster of one data directory: started as our own child, or found running and adopted. */
export class Postmaster {
  readonly #config: PostgresMemberConfig
  readonly #clock: Clock
  readonly #listeners: (() => void)[] = []
  readonly #closing = new AbortController()
  #pid: number | undefined

  constructor(config: PostgresMemberConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
  }

  onExit(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Pid of the living postmaster. One that somebody else started is adopted, and its exit is reported from then on. */
  async find(): Promise<number | undefined> {
    if (this.#pid !== undefined) return this.#pid
    const pid = pidIn(await readIfExists(join(this.#config.dataDirectory, 'postmaster.pid')))
    if (pid === undefined || !(await servesDirectory(pid, this.#config.dataDirectory))) return undefined
    if (this.#pid === undefined) {
      this.#pid = pid
      void this.#watch(pid)
    }
    return this.#pid
  }

  /** The word in the last line of postmaster.pid: `starting`, `ready`, `stopping` … */
  async status(): Promise<string> {
    const text = await readIfExists(join(this.#config.dataDirectory, 'postmaster.pid'))
    return text?.split('\n')[7]?.trim() ?? ''
  }

  /**
   * Nothing of this data directory runs when it is called. Its exit is known from the child's own exit event. `through`: programs in front of
   * it, the last of which becomes the server's user and the server; without them this process does.
   */
  async start(settings: readonly string[], through: readonly string[] = []): Promise<void> {
    const { binDirectory, dataDirectory, logFile, runAs } = this.#config
    await this.#removeStaleLocks()
    const log = await open(logFile, 'a', 0o600)
    try {
      const [program, ...args] = [...through, join(binDirectory, 'postgres'), '-D', dataDirectory]
      const child = spawn(program, [...args, ...settings], {
        cwd: '/',
        // A session of its own: Ctrl-C in a terminal and the end of the agent do not reach it.
        detached: true,
        env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
        stdio: ['ignore', log.fd, log.fd],
        ...(runAs === undefined || through.length > 0 ? {} : runAs),
      })
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve)
        child.once('error', (error) => reject(notStarted(this.#config.name, error)))
      })
      const pid = child.pid as number
      this.#pid = pid
      child.once('exit', () => this.#exited(pid))
      child.unref()
    } finally {
      await log.close()
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#pid !== undefined) signalProcess(this.#pid, signal)
  }

  /** True when it is gone within the time. */
  async waitForExit(timeoutMs: number): Promise<boolean> {
    const gone = async (): Promise<true | undefined> => ((await this.find()) === undefined ? true : undefined)
    return (await waitUntil(this.#clock, timeoutMs, 5, gone)) === true
  }

  /** Kills whatever of the data directory is left, backends of a dead postmaster too. Resolves when none is. */
  async killAll(): Promise<void> {
    const { dataDirectory } = this.#config
    const none = await waitUntil(this.#clock, 10_000, 10, async () => {
      const postmaster = await this.find()
      const pids = new Set([
        ...(postmaster === undefined ? [] : [postmaster]),
        ...(await processesOf(dataDirectory)),
      ])
      for (const pid of pids) signalProcess(pid, 'SIGKILL')
      return pids.size === 0 ? true : undefined
    })
    if (none === true) return
    const hint = `look for them on the host: \`fuser -v ${dataDirectory}\`; a process in state D waits for its disk`
    throw permanent('PG_NOT_STOPPED', `${this.#config.name}: processes of it survive SIGKILL`, hint)
  }

  /** Leaves the server running and stops watching it. */
  close(): void {
    this.#closing.abort()
  }

  async #watch(pid: number): Promise<void> {
    while (await servesDirectory(pid, this.#config.dataDirectory)) {
      try {
        await this.#clock.sleep(watchEveryMs, this.#closing.signal)
      } catch {
        return // closed
      }
    }
    this.#exited(pid)
  }

  #exited(pid: number): void {
    if (this.#pid !== pid) return
    this.#pid = undefined
    for (const listener of this.#listeners) listener()
  }

  /** PostgreSQL refuses to start when a lock file names a living pid, even if that now belongs to another program. */
  async #removeStaleLocks(): Promise<void> {
    const { dataDirectory, socketDirectory, port } = this.#config
    for (const path of [
      join(dataDirectory, 'postmaster.pid'),
      join(socketDirectory, `.s.PGSQL.${port}.lock`),
    ]) {
      const pid = pidIn(await readIfExists(path))
      if (pid === undefined || !(await isAlive(pid))) continue
      if (!(await servesDirectory(pid, dataDirectory))) await removeDurably(path)
    }
  }
}

function pidIn(text: string | undefined): number | undefined {
  const first = text?.split('\n')[0]?.trim() ?? ''
  // A single-user backend writes its pid negated.
  return /^-?[1-9]\d{0,9}$/.test(first) ? Math.abs(Number(first)) : undefined
}

function notStarted(name: string, error: Error): Error {
  const hint = 'check binDirectory in estate.yaml and that the server user may read it'
  return permanent(
    'PG_BINARY_MISSING',
    `${name}: postgres can not be executed: ${error.message}`,
    hint,
    error,
  )
}
