import type { EventLoop } from './event-loop.ts'
import type { SimHost } from './sim-host.ts'
import type { SimRandom } from './sim-random.ts'

/** How messages fare between hosts; faults change it while the simulation runs. */
export interface Weather {
  lossRate: number
  replyLossRate: number
  duplicateRate: number
  /** Share of the messages that take up to `slowUs` longer, and so overtake each other. */
  slowRate: number
  slowUs: number
  /** Share of the requests lost to a cut that arrive after all when it heals: the kernel of the sender keeps sending. */
  lateRate: number
}

export function fairWeather(): Weather {
  return { lossRate: 0, replyLossRate: 0, duplicateRate: 0, slowRate: 0, slowUs: 0, lateRate: 0 }
}

/** What packets may pass between two hosts. One direction can be cut alone. A host without power answers nothing, not even a refusal. */
export class SimLinks {
  readonly weather: Weather = fairWeather()
  readonly #loop: EventLoop
  readonly #random: SimRandom
  readonly #hosts = new Map<string, SimHost>()
  readonly #cuts = new Map<string, number>()
  readonly #changeListeners: (() => void)[] = []

  constructor(loop: EventLoop, random: SimRandom) {
    this.#loop = loop
    this.#random = random.fork('links')
  }

  add(host: SimHost): void {
    this.#hosts.set(host.address, host)
  }

  hostAt(address: string): SimHost | undefined {
    return this.#hosts.get(address)
  }

  onChange(listener: () => void): void {
    this.#changeListeners.push(listener)
  }

  /** Packets from one to the other are dropped from now on. Cuts of several faults add up. */
  cut(from: SimHost, to: SimHost): void {
    this.#add(from, to, 1)
  }

  heal(from: SimHost, to: SimHost): void {
    this.#add(from, to, -1)
  }

  healAll(): void {
    this.#cuts.clear()
    this.changed()
  }

  /** To be called when a host lost or got power, too. */
  changed(): void {
    for (const listener of this.#changeListeners) listener()
  }

  passes(from: SimHost, to: SimHost): boolean {
    if (!from.isUp || !to.isUp) return false
    return from === to || (this.#cuts.get(`${from.name}>${to.name}`) ?? 0) <= 0
  }

  connects(a: SimHost, b: SimHost): boolean {
    return this.passes(a, b) && this.passes(b, a)
  }

  delayUs(from: SimHost, to: SimHost): number {
    if (from === to) return this.#random.between(20, 80)
    const usual = this.#random.between(150, 900)
    if (this.weather.slowRate === 0 || !this.#random.chance(this.weather.slowRate)) return usual
    return usual + this.#random.integer(this.weather.slowUs)
  }

  loses(rate: number): boolean {
    return rate > 0 && this.#random.chance(rate)
  }

  #add(from: SimHost, to: SimHost, change: number): void {
    const key = `${from.name}>${to.name}`
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + change)
    this.#loop.trace(`cut ${key}`, change)
    this.changed()
  }
}
