import type { Estate } from '../estate/estate.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { World } from '../ports/world.ts'
import type { AgentView } from '../agent/wire.ts'

/** What the executor itself offers to actions that decide, record or wait. */
export interface ControlContext {
  readonly world: World
  readonly estate: Estate
  readonly store: ControlStore
  /** A fresh reading from the agent of that host, never a cached one. */
  observeHost(host: string): Promise<AgentView>
}
