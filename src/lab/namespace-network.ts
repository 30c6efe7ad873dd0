import { setTimeout as sleep } from 'node:timers/promises'
import type { LabHost, LabHostName } from './lab-host.ts'
import { machineOctet } from './lab-host.ts'
import type { LabNetwork } from './lab-network.ts'
import type { LabState } from './lab-state.ts'
import type { NetworkCapabilities } from './network-capabilities.ts'
import { dropRules, healRules } from './packet-filter.ts'
import { mustRun, runCommand } from './run-command.ts'

/** Every host is a network namespace with one veth link to a bridge. Interface names hold 15 characters at most. */
export function namespaceNetwork(state: LabState, capabilities: NetworkCapabilities): LabNetwork {
  const prefix = `pz${state.instance}`
  const bridge = `${prefix}br`
  const namespaceOf = (host: LabHostName): string => `${prefix}-${host}`
  const linkOf = (host: LabHostName): string => `${prefix}${host}`
  const addressOf = (host: LabHostName): string => {
    return state.hosts.find(({ name }) => name === host)?.address ?? ''
  }
  const argvOn: LabNetwork['argvOn'] = (host, argv) => ['ip', 'netns', 'exec', namespaceOf(host), ...argv]
  const filterOn = async (host: LabHostName, commands: readonly (readonly string[])[]): Promise<void> => {
    for (const command of commands) await mustRun(argvOn(host, command))
  }

  const addHost = async ({ name, address }: LabHost): Promise<void> => {
    const namespace = namespaceOf(name)
    const link = linkOf(name)
    if (await exists(['ip', '-n', namespace, 'link', 'show', 'eth0'])) return
    if (!(await exists(['ip', 'netns', 'pids', namespace]))) await mustRun(['ip', 'netns', 'add', namespace])
    await mustRun(['ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace])
    await mustRun(['ip', 'link', 'set', link, 'master', bridge])
    await mustRun(['ip', 'link', 'set', link, 'up'])
    await mustRun(['ip', '-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0'])
    await mustRun(['ip', '-n', namespace, 'link', 'set', 'eth0', 'up'])
    await mustRun(['ip', '-n', namespace, 'link', 'set', 'lo', 'up'])
  }

  return {
    capabilities,
    addressOf,
    argvOn,

    async up() {
      if (!(await exists(['ip', 'link', 'show', bridge])))
        await mustRun(['ip', 'link', 'add', bridge, 'type', 'bridge'])
      await mustRun(['ip', 'addr', 'replace', `${state.subnet}.${machineOctet}/24`, 'dev', bridge])
      await mustRun(['ip', 'link', 'set', bridge, 'up'])
      for (const host of state.hosts) await addHost(host)
    },

    async down() {
      for (const { name } of state.hosts) {
        await runCommand(['ip', 'link', 'del', linkOf(name)])
        await runCommand(['ip', 'netns', 'del', namespaceOf(name)])
      }
      await runCommand(['ip', 'link', 'del', bridge])
      await untilGone(prefix)
    },

    async pids(host) {
      const { code, stdout } = await runCommand(['ip', 'netns', 'pids', namespaceOf(host)])
      return code === 0 ? stdout.split('\n').filter(Boolean).map(Number) : []
    },

    // The machine's side of the link: the host itself notices nothing but silence.
    async cut(host) {
      await mustRun(['ip', 'link', 'set', linkOf(host), 'down'])
    },

    async heal(host) {
      await mustRun(['ip', 'link', 'set', linkOf(host), 'up'])
      for (const command of healRules(capabilities.packetFilter)) await runCommand(argvOn(host, command))
    },

    async cutOneWay(host, direction) {
      await filterOn(host, dropRules(capabilities.packetFilter, [{ direction }]))
    },

    async block(host, peer) {
      const address = addressOf(peer)
      const rules = [
        { direction: 'in' as const, address },
        { direction: 'out' as const, address },
      ]
      await filterOn(host, dropRules(capabilities.packetFilter, rules))
    },
  }
}

async function exists(argv: readonly string[]): Promise<boolean> {
  return (await runCommand(argv)).code === 0
}

/** The kernel takes a moment to remove a link whose namespace was deleted. */
async function untilGone(prefix: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const links = await mustRun(['ip', '-br', 'link', 'show'])
    if (!links.split('\n').some((line) => line.startsWith(prefix))) return
    await sleep(100)
  }
}
