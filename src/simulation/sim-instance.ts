import type { ComputeInstance } from '../ports/compute-instance.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimHost } from './sim-host.ts'
import { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'

/** An application process on a host: needs a while until it says that it is ready. */
export class SimInstance {
  readonly component: string
  readonly host: SimHost
  process: SimProcess | undefined
  isReady = false

  constructor(component: string, host: SimHost) {
    this.component = component
    this.host = host
  }

  start(loop: EventLoop, readyAfterUs: number, ready: () => void): void {
    const process = new SimProcess(loop, this.host, `instance ${this.component}`)
    this.process = process
    process.onExit(() => {
      this.process = undefined
      this.isReady = false
    })
    loop.after(readyAfterUs, () => {
      process.deliver(() => {
        this.isReady = true
        ready()
      })
    })
  }
}

/** An agent's driver for the instance beside it. */
export class SimInstanceDriver implements ComputeInstance {
  readonly name: string
  readonly #loop: EventLoop
  readonly #process: SimProcess
  readonly #random: SimRandom
  readonly #instance: SimInstance

  constructor(loop: EventLoop, process: SimProcess, random: SimRandom, instance: SimInstance) {
    this.#loop = loop
    this.#process = process
    this.#random = random
    this.#instance = instance
    this.name = instance.component
  }

  observe(): Promise<{ readonly running: boolean; readonly ready: boolean }> {
    return this.#soon((done) =>
      done({ running: this.#instance.process !== undefined, ready: this.#instance.isReady }),
    )
  }

  start(): Promise<void> {
    const instance = this.#instance
    return this.#soon<void>((done) => {
      if (instance.isReady) done()
      else if (instance.process === undefined)
        instance.start(this.#loop, this.#random.between(20_000, 300_000), done)
      else this.#loop.after(350_000, done)
    })
  }

  stop(): Promise<void> {
    return this.#soon<void>((done) => {
      this.#instance.process?.kill()
      done()
    })
  }

  #soon<T>(act: (done: (value: T) => void) => void): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>()
    this.#loop.after(this.#random.between(100, 1500), () => {
      if (this.#instance.host.isUp) act((value) => this.#process.resume(() => resolve(value)))
    })
    return promise
  }
}
