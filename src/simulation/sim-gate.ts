import { RecoveryError } from '../domain/recovery-error.ts'
import type { Endpoint } from '../ports/network.ts'
import type { GateDoor, GateRoute, GateSeen, TrafficGate } from '../ports/traffic-gate.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimHost } from './sim-host.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'

/** The data plane of one gate. The built-in one lives and dies with its agent and starts without a target. */
export class SimGate {
  readonly component: string
  readonly host: SimHost
  route: GateRoute = { epoch: 0 }
  door: GateDoor = { shut: false, message: '' }
  readonly #sessions = new Map<() => void, string>()
  /** Told of every change of the route. */
  onRoute: (before: GateRoute, after: GateRoute) => void = () => {}
  /** Told of every order to open or shut the door. */
  onDoor: (door: GateDoor) => void = () => {}
  /** Told of every client that gets in. */
  onSession: () => void = () => {}

  constructor(component: string, host: SimHost) {
    this.component = component
    this.host = host
  }

  /** Returns how to end the session; `closed` is called when the gate ends it. */
  openSession(target: Endpoint, closed: () => void): () => void {
    this.onSession()
    this.#sessions.set(closed, addressText(target))
    return () => this.#sessions.delete(closed)
  }

  /** The process that held it is gone, and every session with it. */
  forget(): void {
    this.#change({ epoch: 0 })
    this.door = { shut: false, message: '' }
  }

  get sessions(): number {
    return this.#sessions.size
  }

  endSessions(): void {
    const ending = [...this.#sessions.keys()]
    this.#sessions.clear()
    for (const closed of ending) closed()
  }

  setRoute(route: GateRoute): void {
    const before = this.route
    this.#change(route)
    this.onRoute(before, route)
  }

  #change(route: GateRoute): void {
    this.route = route
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

  observe(): Promise<GateSeen> {
    return this.#soon(() => (this.#gate.door.shut ? { ...this.#gate.route, shut: true } : this.#gate.route))
  }

  setDoor(door: GateDoor): Promise<void> {
    return this.#soon(() => {
      this.#gate.door = door
      this.#gate.onDoor(door)
    })
  }

  sessions(): Promise<number> {
    return this.#soon(() => this.#gate.sessions)
  }

  endSessions(): Promise<void> {
    return this.#soon(() => this.#gate.endSessions())
  }

  route(route: GateRoute): Promise<void> {
    return this.#soon(() => {
      const { epoch } = this.#gate.route
      if (route.epoch < epoch) throw stale(route.epoch, epoch)
      this.#gate.setRoute(route)
    })
  }

  #soon<T>(act: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#loop.after(this.#random.between(50, 500), () => {
      this.#process.resume(() => {
        try {
          resolve(act())
        } catch (error) {
          reject(error)
        }
      })
    })
    return promise
  }
}

function stale(wanted: number, current: number): RecoveryError {
  return new RecoveryError({
    code: 'EPOCH_STALE',
    class: 'refused',
    message: `the gate was routed under epoch ${current}; epoch ${wanted} is over`,
    hint: 'another executor has taken over',
  })
}
