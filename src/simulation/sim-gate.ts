import type { Endpoint } from '../ports/network.ts'
import type { GateRoute, TrafficGate } from '../ports/traffic-gate.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimHost } from './sim-host.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'

/** The data plane of one gate: survives its agent, keeps its route on disk, and closes the sessions that a new route orphans. */
export class SimGate {
  readonly component: string
  readonly host: SimHost
  route: GateRoute = { epoch: 0 }
  readonly #sessions = new Map<() => void, string>()
  /** Told of every change of the route. */
  onRoute: (before: GateRoute, after: GateRoute) => void = () => {}

  constructor(component: string, host: SimHost) {
    this.component = component
    this.host = host
  }

  /** Returns how to end the session; `closed` is called when the gate ends it. */
  openSession(target: Endpoint, closed: () => void): () => void {
    this.#sessions.set(closed, addressText(target))
    return () => this.#sessions.delete(closed)
  }

  setRoute(route: GateRoute): void {
    const before = this.route
    this.route = route
    this.onRoute(before, route)
    const kept = addressText(route.target)
    for (const [closed, target] of this.#sessions) {
      if (target === kept) continue
      this.#sessions.delete(closed)
      closed()
    }
  }
}

export function addressText(target: Endpoint | undefined): string {
  return target === undefined ? '' : `${target.address}:${target.port}`
}

/** An agent's driver for the gate beside it. */
export class SimGateDriver implements TrafficGate {
  readonly name: string
  readonly #loop: EventLoop
  readonly #process: SimProcess
  readonly #random: SimRandom
  readonly #gate: SimGate

  constructor(loop: EventLoop, process: SimProcess, random: SimRandom, gate: SimGate) {
    this.#loop = loop
    this.#process = process
    this.#random = random
    this.#gate = gate
    this.name = `gate on ${gate.host.name}`
  }

  observe(): Promise<GateRoute> {
    return this.#soon(() => this.#gate.route)
  }

  route(route: GateRoute): Promise<void> {
    return this.#soon(() => this.#gate.setRoute(route))
  }

  #soon<T>(act: () => T): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>()
    this.#loop.after(this.#random.between(100, 1500), () => {
      if (!this.#gate.host.isUp) return
      const value = act()
      this.#process.resume(() => resolve(value))
    })
    return promise
  }
}
