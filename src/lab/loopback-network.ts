import { join } from 'node:path'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { LabNetwork } from './lab-network.ts'
import type { LabState } from './lab-state.ts'
import { markedPids } from './marked-pids.ts'
import type { NetworkCapabilities } from './network-capabilities.ts'

/** Without root: every host is an address of 127.0.0.0/8, and no wire can be cut. */
export function loopbackNetwork(state: LabState, capabilities: NetworkCapabilities): LabNetwork {
  const refuse = async (): Promise<never> => {
    throw new RecoveryError({
      code: 'LAB_FAULT_UNAVAILABLE',
      class: 'refused',
      message: 'hosts are loopback addresses here: no link can be cut, faults are done to processes only',
      hint: 'run the lab as root on Linux with iproute2 to give every host a network namespace',
    })
  }
  return {
    capabilities,
    up: async () => {},
    down: async () => {},
    addressOf: (host) => state.hosts.find(({ name }) => name === host)?.address ?? '',
    argvOn: (_host, argv) => argv,
    pids: async (host) => markedPids(state, { host, directory: join(state.directory, host) }),
    cut: refuse,
    heal: async () => {},
    cutOneWay: refuse,
    block: refuse,
  }
}
