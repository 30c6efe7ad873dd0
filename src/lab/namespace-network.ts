import type { LabHostName } from './lab-host.ts'
import type { LabNetwork } from './lab-network.ts'
import type { LabState } from './lab-state.ts'
import { linkOf, namespaceOf, wireDown, wireUp } from './namespace-wiring.ts'
import type { NetworkCapabilities } from './network-capabilities.ts'
import { dropRules, healRules } from './packet-filter.ts'
import type { DropRule } from './packet-filter.ts'
import { mustRun, runCommand } from './run-command.ts'

/** Every host is a network namespace: partitions are real. */
export function namespaceNetwork(state: LabState, capabilities: NetworkCapabilities): LabNetwork {
  const addressOf = (host: LabHostName): string => {
    return state.hosts.find(({ name }) => name === host)?.address ?? ''
  }
  const argvOn: LabNetwork['argvOn'] = (host, argv) => {
    return ['ip', 'netns', 'exec', namespaceOf(state, host), ...argv]
  }
  const drop = async (host: LabHostName, rules: readonly DropRule[]): Promise<void> => {
    for (const command of dropRules(capabilities.packetFilter, rules)) await mustRun(argvOn(host, command))
  }
  return {
    capabilities,
    addressOf,
    argvOn,
    up: async () => await wireUp(state),
    down: async () => await wireDown(state),

    async pids(host) {
      const { code, stdout } = await runCommand(['ip', 'netns', 'pids', namespaceOf(state, host)])
      return code === 0 ? stdout.split('\n').filter(Boolean).map(Number) : []
    },

    // The machine's side of the link: the host itself notices nothing but silence.
    async cut(host) {
      await mustRun(['ip', 'link', 'set', linkOf(state, host), 'down'])
    },

    async heal(host) {
      await mustRun(['ip', 'link', 'set', linkOf(state, host), 'up'])
      for (const command of healRules(capabilities.packetFilter)) await runCommand(argvOn(host, command))
    },

    async cutOneWay(host, direction) {
      await drop(host, [{ direction }])
    },

    async block(host, peer) {
      const address = addressOf(peer)
      await drop(host, [
        { direction: 'in', address },
        { direction: 'out', address },
      ])
    },
  }
}
