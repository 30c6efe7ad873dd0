import type { GateDoor } from '../ports/traffic-gate.ts'
import { EstateReading } from './estate-reading.ts'
import { InvariantBroken } from './invariants.ts'
import type { SimEstate } from './sim-estate.ts'
import type { SimGate } from './sim-gate.ts'

/** While it is maintenance nobody gets through a gate that was closed for it, whatever happens behind it or to it. */
export class MaintenanceInvariants {
  readonly #reading: EstateReading
  /** Shut since the run that the record names, or since the one that is under way. */
  readonly #closed = new Set<SimGate>()

  constructor(sim: SimEstate) {
    this.#reading = new EstateReading(sim)
  }

  doorSet(gate: SimGate, { shut }: GateDoor): void {
    const { maintenance, isSwitchingMaintenance } = this.#reading
    if (shut) {
      if (maintenance?.on === true || isSwitchingMaintenance) this.#closed.add(gate)
      return
    }
    // A host that was not told yet is another matter: it has no door to open.
    if (this.#closed.has(gate) && this.#isKept(gate)) throw broken(`the door of ${gate.component} was opened`)
    this.#closed.delete(gate)
  }

  entered(gate: SimGate): void {
    if (this.#closed.has(gate) && this.#isKept(gate))
      throw broken(`a client got in through ${gate.component}`)
  }

  #isKept({ component }: SimGate): boolean {
    const { maintenance, isSwitchingMaintenance } = this.#reading
    return (
      maintenance?.on === true &&
      !isSwitchingMaintenance &&
      (maintenance.gates as readonly string[]).includes(component)
    )
  }
}

function broken(message: string): InvariantBroken {
  return new InvariantBroken('maintenance keeps clients out', message)
}
