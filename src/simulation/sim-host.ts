import type { EventLoop } from './event-loop.ts'
import { SimDisk } from './sim-disk.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'

/** 2026-01-01T00:00:00Z: where the wall clocks of a simulation start. */
const wallOriginMs = 1_767_225_600_000

/** One machine: its power, its clocks, its disk, the processes on it. */
export class SimHost {
  readonly name: string
  readonly zone: string
  readonly address: string
  readonly disk: SimDisk
  readonly processes = new Set<SimProcess>()
  isUp = true
  /** Wall clock minus true time; stepped by faults. */
  wallOffsetMs = 0
  /** Host seconds per true second; never changes, so monotonic time needs no history. */
  readonly clockRate: number
  readonly #loop: EventLoop

  constructor(
    loop: EventLoop,
    random: SimRandom,
    place: { readonly name: string; readonly zone: string; readonly address: string },
  ) {
    this.#loop = loop
    this.name = place.name
    this.zone = place.zone
    this.address = place.address
    const stream = random.fork(`host ${place.name}`)
    this.clockRate = 1 + stream.between(-200, 200) / 1e6
    this.wallOffsetMs = stream.between(-50, 50)
    this.disk = new SimDisk(loop, stream.fork('disk'))
  }

  monotonicMs(): number {
    return (this.#loop.nowUs / 1000) * this.clockRate
  }

  wallMs(): number {
    return Math.floor(wallOriginMs + this.wallOffsetMs + this.monotonicMs())
  }

  /** Power cut: every process is gone without a word, what was not synced is lost, nobody on the network is told. */
  crash(): void {
    this.isUp = false
    for (const process of this.processes) process.kill()
    this.disk.loseUnsynced()
  }
}
