import type { Endpoint } from '../ports/network.ts'
import type { ClientHistory, WriteEntry, WriteResult } from './client-history.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimGate } from './sim-gate.ts'
import type { SimHost } from './sim-host.ts'
import type { SimLinks } from './sim-links.ts'
import type { SimPostgres } from './sim-postgres.ts'
import type { SimRandom } from './sim-random.ts'

export interface ClientSetting {
  readonly loop: EventLoop
  readonly links: SimLinks
  readonly random: SimRandom
  readonly servers: readonly SimPostgres[]
  readonly history: ClientHistory
}

export interface ClientForm {
  readonly name: string
  readonly host: SimHost
  /** The gate that it goes through; without one it talks to `directTo`, as an application in the zone of a primary might. */
  readonly gate?: SimGate
  readonly directTo?: SimPostgres
  readonly everyUs: number
  readonly timeoutUs: number
  /** Cancels instead of closing when it is tired of waiting. */
  readonly cancelRate: number
}

/** An application that writes, one transaction after the other. Plain events: no promise is involved. */
export class SimClient {
  readonly #setting: ClientSetting
  readonly #form: ClientForm
  #stopped = false

  constructor(setting: ClientSetting, form: ClientForm) {
    this.#setting = setting
    this.#form = form
    setting.loop.after(setting.random.between(0, form.everyUs), () => this.#write())
  }

  stop(): void {
    this.#stopped = true
  }

  #write(): void {
    if (this.#stopped) return
    const { loop, history, links } = this.#setting
    const { name, host, gate, directTo, timeoutUs } = this.#form
    const attempt = new Attempt(loop, history.begin(name, loop.nowUs), timeoutUs, () => this.#pauseAndGoOn())
    if (!host.isUp) attempt.end('failed')
    else if (directTo !== undefined) this.#toServer(attempt, host, directTo)
    else if (gate !== undefined) {
      loop.after(links.delayUs(host, gate.host), () => {
        if (!links.connects(host, gate.host)) return
        const { target } = gate.route
        if (target === undefined || gate.door.shut) this.#back(attempt, gate.host, 'failed')
        else this.#throughGate(attempt, gate, target)
      })
    }
  }

  #throughGate(attempt: Attempt, gate: SimGate, target: Endpoint): void {
    const server = this.#setting.servers.find(
      ({ host, port }) => host.address === target.address && port === target.port,
    )
    if (server === undefined) {
      this.#back(attempt, gate.host, 'failed')
      return
    }
    const leave = gate.openSession(target, () => this.#back(attempt, gate.host, 'unknown'))
    attempt.onEnd(leave)
    this.#toServer(attempt, gate.host, server)
  }

  /** `via` is the host whose packets reach the server: the gate's, or the client's own. */
  #toServer(attempt: Attempt, via: SimHost, server: SimPostgres): void {
    const { loop, links } = this.#setting
    loop.after(links.delayUs(via, server.host), () => {
      if (attempt.hasEnded || !links.connects(via, server.host)) return
      const { process } = server
      if (process === undefined) {
        this.#back(attempt, via, 'failed')
        return
      }
      attempt.sent = true
      process.deliver(() => this.#commit(attempt, via, server))
    })
  }

  #commit(attempt: Attempt, via: SimHost, server: SimPostgres): void {
    const { loop, links } = this.#setting
    const forget = server.process?.onExit(() => {
      if (server.host.isUp && links.connects(server.host, via)) this.#back(attempt, via, 'unknown')
    })
    const waiting = server.commit(attempt.entry.transaction, (result) => {
      forget?.()
      const seen = {
        acknowledged: 'acknowledged',
        soft: 'soft',
        terminated: 'unknown',
        'read-only': 'failed',
      } as const
      loop.after(links.delayUs(server.host, via), () => {
        if (links.connects(server.host, via)) this.#back(attempt, via, seen[result])
      })
    })
    if (waiting === undefined || !this.#setting.random.chance(this.#form.cancelRate)) return
    attempt.beforeTimeout = () => {
      if (!links.connects(via, server.host)) return false
      server.cancel(waiting)
      return true
    }
  }

  #back(attempt: Attempt, from: SimHost, result: WriteResult): void {
    const { loop, links } = this.#setting
    const { host } = this.#form
    loop.after(links.delayUs(from, host), () => {
      if (links.connects(from, host)) attempt.end(result)
    })
  }

  #pauseAndGoOn(): void {
    const { loop, random } = this.#setting
    loop.after(random.between(this.#form.everyUs / 2, this.#form.everyUs * 1.5), () => this.#write())
  }
}

class Attempt {
  readonly entry: WriteEntry
  sent = false
  hasEnded = false
  /** True when it found something to wait for after all. */
  beforeTimeout: (() => boolean) | undefined
  readonly #loop: EventLoop
  readonly #next: () => void
  readonly #endings: (() => void)[] = []
  #timer

  constructor(loop: EventLoop, entry: WriteEntry, timeoutUs: number, next: () => void) {
    this.#loop = loop
    this.entry = entry
    this.#next = next
    this.#timer = loop.after(timeoutUs, () => {
      if (this.beforeTimeout?.() === true) this.#timer = loop.after(200_000, () => this.end('unknown'))
      else this.end(this.sent ? 'unknown' : 'failed')
    })
  }

  onEnd(listener: () => void): void {
    this.#endings.push(listener)
  }

  end(result: WriteResult): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.#loop.cancel(this.#timer)
    this.entry.result = result
    this.entry.endedUs = this.#loop.nowUs
    for (const listener of this.#endings) listener()
    this.#next()
  }
}
