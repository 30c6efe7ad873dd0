import { EventLoop } from '../../src/simulation/event-loop.ts'
import { SimHost } from '../../src/simulation/sim-host.ts'
import { SimLinks } from '../../src/simulation/sim-links.ts'
import { SimSwitchboard } from '../../src/simulation/sim-network.ts'
import { SimProcess } from '../../src/simulation/sim-process.ts'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import { simWorld } from '../../src/simulation/sim-world.ts'
import type { World } from '../../src/ports/world.ts'

const limitUs = 3_600_000_000

/** Virtual time and a fair network for tests of one process or a few. Nothing in here waits for the host's clock. */
export class VirtualTime {
  readonly loop: EventLoop
  readonly logged: string[] = []
  readonly #random = new SimRandom(1)
  readonly #links: SimLinks
  readonly #switchboard: SimSwitchboard

  constructor() {
    this.loop = new EventLoop(this.#random)
    this.#links = new SimLinks(this.loop, this.#random)
    this.#switchboard = new SimSwitchboard(this.loop, this.#links)
  }

  /** A process of its own on a host of its own. */
  process(address = '10.0.0.1'): SimProcess {
    const host = new SimHost(this.loop, this.#random, { name: address, zone: address, address })
    this.#links.add(host)
    return new SimProcess(this.loop, host, `process at ${address}`)
  }

  world(process = this.process(), subject = 'hst_self000'): World {
    const log = (_: SimProcess, event: string): void => void this.logged.push(event)
    return simWorld(
      { loop: this.loop, random: this.#random, switchboard: this.#switchboard, log },
      process,
      subject,
      1,
    )
  }

  async pass(durationMs: number): Promise<void> {
    let isOver = false
    this.loop.after(durationMs * 1000, () => {
      isOver = true
      this.loop.awaken()
    })
    await this.loop.run(() => isOver, limitUs)
  }

  /** Lets time pass until the work settles. */
  async settled<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = (): void => void (isOver = true)
    work.then(over, over)
    await this.loop.run(() => isOver, limitUs)
    return await work
  }
}
