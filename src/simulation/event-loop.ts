import { nextTick } from 'node:process'
import { assert } from '../domain/recovery-error.ts'
import { EventHeap } from './event-heap.ts'
import type { SimEvent } from './event-heap.ts'
import { hashText } from './sim-random.ts'
import type { SimRandom } from './sim-random.ts'

/** Virtual time stands still while code runs; the host's time, timers and load have no say in what happens next. */
export class EventLoop {
  /** Virtual microseconds since the start; an integer. */
  nowUs = 0
  /** Events run so far. */
  events = 0
  readonly #heap = new EventHeap()
  readonly #ties: SimRandom
  #seq = 0
  #awakened = false
  #hashLow = 0x811c_9dc5 | 0
  #hashHigh = 0x1b87_3593 | 0

  constructor(random: SimRandom) {
    this.#ties = random.fork('event ties')
  }

  /** Events at the same instant run in a seeded order. */
  after(delayUs: number, run: () => void): SimEvent {
    assert(delayUs >= 0, 'no event lies in the past')
    this.#seq += 1
    const event = { atUs: this.nowUs + Math.round(delayUs), tie: this.#ties.next(), seq: this.#seq, run }
    this.#heap.push(event)
    return event
  }

  cancel(event: SimEvent): void {
    event.run = undefined
  }

  /**
   * To be called by whoever settles a promise: code of the product may want to go on, and has to before the next event. Events that
   * settle nothing cost no turn of the host's loop.
   */
  awaken(): void {
    this.#awakened = true
  }

  /** Folds what happened into the hash by which two runs of one seed are compared. */
  trace(what: string, value = 0): void {
    this.#mix(hashText(what))
    this.#mix(value)
  }

  get traceHash(): string {
    const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0')
    return hex(this.#hashHigh) + hex(this.#hashLow)
  }

  /**
   * Runs events until `done` says so. Rejects when nothing is left to happen before that (a deadlock), when virtual time
   * passes `limitUs`, and with whatever an event throws.
   */
  async run(done: () => boolean, limitUs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const turn = (): void => {
      try {
        if (this.#runUntilAwakened(done, limitUs)) resolve()
        else void drained.then(again)
      } catch (error) {
        reject(error)
      }
    }
    // The tick that a microtask asks for comes when no microtask is left: a fifth of the price of setImmediate.
    const again = (): void => {
      if (this.events % 4096 === 0) setImmediate(turn)
      else nextTick(turn)
    }
    void drained.then(again)
    await promise
  }

  #runUntilAwakened(done: () => boolean, limitUs: number): boolean {
    this.#awakened = false
    for (;;) {
      if (done()) return true
      const event = this.#heap.pop()
      if (event === undefined) throw new SimulationStuck('nothing is left to happen', this.nowUs)
      if (event.run === undefined) continue
      if (event.atUs > limitUs) throw new SimulationStuck('the time limit passed', limitUs)
      this.nowUs = event.atUs
      this.events += 1
      this.#mix(event.atUs)
      this.#mix(event.seq)
      event.run()
      if (this.#awakened || this.events % 4096 === 0) return false
    }
  }

  #mix(value: number): void {
    this.#hashLow = Math.imul(this.#hashLow ^ value, 0x0100_0193)
    this.#hashHigh = Math.imul(this.#hashHigh ^ (value + (this.#hashLow >>> 13)), 0x85eb_ca6b)
  }
}

const drained = Promise.resolve()

export class SimulationStuck extends Error {
  constructor(why: string, atUs: number) {
    super(`${why} at ${(atUs / 1e6).toFixed(3)} s of virtual time`)
    this.name = 'SimulationStuck'
  }
}
