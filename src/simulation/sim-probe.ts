import type { DatabaseProbe } from '../ports/database-member.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimLinks } from './sim-links.ts'
import type { SimPostgres } from './sim-postgres.ts'
import type { SimProcess } from './sim-process.ts'

/** A fresh connection from this process's host, answered by the postmaster or by nobody. */
export class SimProbe implements DatabaseProbe {
  readonly #loop: EventLoop
  readonly #links: SimLinks
  readonly #process: SimProcess
  readonly #servers: readonly SimPostgres[]

  constructor(loop: EventLoop, links: SimLinks, process: SimProcess, servers: readonly SimPostgres[]) {
    this.#loop = loop
    this.#links = links
    this.#process = process
    this.#servers = servers
  }

  answers(address: string, port: number, timeoutMs: number): Promise<boolean> {
    const { host } = this.#process
    const target = this.#links.hostAt(address)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const settle = (answer: boolean): void => this.#process.resume(() => resolve(answer))
    const delayUs = target === undefined ? 0 : 2 * this.#links.delayUs(host, target)
    if (target === undefined || !this.#links.connects(host, target) || delayUs > timeoutMs * 1000) {
      this.#loop.after(timeoutMs * 1000, () => settle(false))
      return promise
    }
    this.#loop.after(delayUs, () => {
      const server = this.#servers.find((found) => found.host === target && found.port === port)
      const passes = this.#links.connects(host, target) && server?.process?.isPaused !== true
      if (passes) settle(server?.process !== undefined)
      else this.#loop.after(timeoutMs * 1000, () => settle(false))
    })
    return promise
  }
}
