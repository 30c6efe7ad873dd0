import { assert } from '../domain/recovery-error.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimHost } from './sim-host.ts'

/**
 * One operating-system process. Whatever reaches it from outside (a timer, a reply, a request) goes through `deliver`: a
 * killed process gets nothing ever again, a stopped one (SIGSTOP) gets everything late and in order.
 */
export class SimProcess {
  readonly name: string
  readonly host: SimHost
  isAlive = true
  isPaused = false
  /** How often a promise of this process was settled from outside: the places at which it can be killed. */
  resumptions = 0
  /** When set: dies instead of its n-th resumption. */
  killAtResumption = Number.POSITIVE_INFINITY
  readonly #loop: EventLoop
  readonly #backlog: (() => void)[] = []
  readonly #exitListeners = new Set<() => void>()

  constructor(loop: EventLoop, host: SimHost, name: string) {
    assert(host.isUp, `${host.name} is up when ${name} is started on it`)
    this.#loop = loop
    this.host = host
    this.name = name
    host.processes.add(this)
  }

  deliver(run: () => void): void {
    if (!this.isAlive) return
    if (this.isPaused) this.#backlog.push(run)
    else run()
  }

  /** As `deliver`, for what lets code of the product go on. */
  resume(settle: () => void): void {
    this.deliver(() => {
      this.resumptions += 1
      if (this.resumptions >= this.killAtResumption) {
        this.kill()
        return
      }
      this.#loop.awaken()
      settle()
    })
  }

  /** Returns how to stop listening. */
  onExit(listener: () => void): () => void {
    this.#exitListeners.add(listener)
    return () => this.#exitListeners.delete(listener)
  }

  kill(): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.host.processes.delete(this)
    this.#loop.trace(`kill ${this.name}`)
    for (const listener of this.#exitListeners) listener()
  }

  pause(): void {
    this.isPaused = true
  }

  unpause(): void {
    this.isPaused = false
    while (this.#backlog.length > 0 && this.isAlive && !this.isPaused) this.#backlog.shift()?.()
  }
}
