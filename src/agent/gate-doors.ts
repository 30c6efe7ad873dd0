import type { MaintenanceNews } from '../domain/maintenance-record.ts'
import type { GateDoor, TrafficGate } from '../ports/traffic-gate.ts'
import type { World } from '../ports/world.ts'
import type { AgentState, StoredDoor } from './agent-state.ts'
import { turnTarget } from './turn-target.ts'
import type { Turns } from '../domain/turns.ts'

interface LocalGate {
  readonly component: string
  readonly gate: TrafficGate
}

/** A host that was never told whether it is maintenance lets nobody in until it is: unknown is not open. */
const untold: StoredDoor = { shut: true, message: '', epoch: 0 }

/** The doors of this host's gates: as its disk says from the first moment on, and as the control plane says where that is newer. */
export class GateDoors {
  readonly #world: Pick<World, 'log'>
  readonly #state: AgentState
  readonly #gates: readonly LocalGate[]
  readonly #turns: Turns
  readonly #admitsOwnHost: (gate: string) => boolean
  /** What each gate was told last; a gate that could not be told is told again. */
  readonly #told = new Map<string, StoredDoor>()

  constructor(
    world: Pick<World, 'log'>,
    state: AgentState,
    place: {
      readonly gates: readonly LocalGate[]
      readonly turns: Turns
      readonly admitsOwnHost: (gate: string) => boolean
    },
  ) {
    this.#world = world
    this.#state = state
    this.#gates = place.gates
    this.#turns = place.turns
    this.#admitsOwnHost = place.admitsOwnHost
  }

  /** Before anybody can ask for a route. */
  async start(): Promise<void> {
    await Promise.all(this.#gates.map(async (local) => this.#tell(local)))
  }

  /** For an action, which has the turn of the door already. */
  async set(component: string, door: GateDoor, epoch: number): Promise<void> {
    await this.#state.setDoor(component, { ...door, epoch })
    const local = this.#gates.find((one) => one.component === component)
    if (local !== undefined) await this.#tell(local)
  }

  /** What could not be done is done after the next heartbeat; a heartbeat waits for no door. */
  async learn(news: MaintenanceNews): Promise<void> {
    await Promise.all(this.#gates.map(async (local) => this.#learnOne(local, news)))
  }

  async #learnOne(local: LocalGate, news: MaintenanceNews): Promise<void> {
    const { component, gate } = local
    const turn = turnTarget(component, undefined, 'door')
    if ((!this.#isNew(component, news) && this.#isTold(component)) || !this.#turns.isFree(turn)) return
    try {
      await this.#turns.inTurn(turn, async () => {
        if (this.#isNew(component, news))
          await this.#state.setDoor(component, { ...this.#doorBy(component, news), epoch: news.epoch })
        await this.#tell(local)
        // Nobody waits for those that came in before this host heard of it.
        if (this.#state.doorOf(component)?.shut === true) await gate.endSessions()
      })
    } catch (error) {
      this.#world.log.warn('door-not-set', {
        gate: component,
        error: error instanceof Error ? error.message : String(error),
      })
    }
  }

  #doorBy(component: string, { shut, message }: MaintenanceNews): GateDoor {
    const admits = this.#admitsOwnHost(component) ? ({ admitsOwnHost: true } as const) : {}
    return { shut: shut.includes(component), message, ...admits }
  }

  #isNew(component: string, { epoch }: MaintenanceNews): boolean {
    const known = this.#state.doorOf(component)
    return known === undefined || epoch > known.epoch
  }

  #isTold(component: string): boolean {
    return this.#told.get(component) === (this.#state.doorOf(component) ?? untold)
  }

  async #tell({ component, gate }: LocalGate): Promise<void> {
    const door = this.#state.doorOf(component) ?? untold
    this.#told.delete(component)
    const { shut, message, admitsOwnHost } = door
    await gate.setDoor({ shut, message, ...(admitsOwnHost === true ? { admitsOwnHost } : {}) })
    this.#told.set(component, door)
  }
}
