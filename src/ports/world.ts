import type { Clock } from './clock.ts'
import type { Files } from './files.ts'
import type { Log } from './log.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'

/**
 * Every effect that engine, procedures, watch, agent and server may have. A value, passed first; the simulator passes another
 * one to the same code. Databases, processes and traffic are reached through driver ports beside it.
 */
export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly files: Files
  readonly log: Log
}
