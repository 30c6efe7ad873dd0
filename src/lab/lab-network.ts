import type { LabHostName } from './lab-host.ts'
import type { LabState } from './lab-state.ts'
import { loopbackNetwork } from './loopback-network.ts'
import { namespaceNetwork } from './namespace-network.ts'
import type { NetworkCapabilities } from './network-capabilities.ts'

/** The lab's hosts and the wires between them. Faults are done to the wire; no process of the product is told. */
export interface LabNetwork {
  readonly capabilities: NetworkCapabilities
  /** Idempotent. */
  up(): Promise<void>
  /** Idempotent; removes what an interrupted `up` made too. Processes must be gone before. */
  down(): Promise<void>
  addressOf(host: LabHostName): string
  /** The command line that runs `argv` on that host. */
  argvOn(host: LabHostName, argv: readonly string[]): readonly string[]
  /** All that runs on that host now. */
  pids(host: LabHostName): Promise<readonly number[]>
  /** Nothing gets in or out, and nobody is told: no reset, no refusal. */
  cut(host: LabHostName): Promise<void>
  /** Ends every fault on this host's wire. Idempotent. */
  heal(host: LabHostName): Promise<void>
  /** `in`: it can send but hears nothing. `out`: it hears but can not be heard. */
  cutOneWay(host: LabHostName, direction: 'in' | 'out'): Promise<void>
  /** These two do not reach each other; both still reach everybody else. */
  block(host: LabHostName, peer: LabHostName): Promise<void>
}

export function labNetwork(state: LabState, capabilities: NetworkCapabilities): LabNetwork {
  return capabilities.kind === 'namespaces'
    ? namespaceNetwork(state, capabilities)
    : loopbackNetwork(state, capabilities)
}
