import type { RunCommand } from './run-command.ts'

/** What faults a lab can do to its network on this machine. */
export interface NetworkCapabilities {
  readonly kind: 'namespaces' | 'loopback'
  /** Cut and heal a host's link. */
  readonly linkFaults: boolean
  /** One direction, or one pair of hosts. */
  readonly packetFilter: 'iptables' | 'nft' | 'none'
  /** What is missing and why, one sentence each; empty when nothing is. */
  readonly missing: readonly string[]
}

/** Tries each thing once, in a namespace that is removed again. */
export async function detectNetwork(
  run: RunCommand,
  isRoot: boolean,
  probe: string,
): Promise<NetworkCapabilities> {
  if (!isRoot) return loopback('not started as root, so hosts can not be network namespaces')
  const added = await run(['ip', 'netns', 'add', probe])
  if (added.code !== 0) return loopback(`\`ip netns add\` does not work here: ${firstLine(added.stderr)}`)
  try {
    const link = await run([
      'ip',
      'link',
      'add',
      probe,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      probe,
    ])
    if (link.code !== 0) return loopback(`this kernel has no veth links: ${firstLine(link.stderr)}`)
    return namespaces(await packetFilter(run, probe))
  } finally {
    await run(['ip', 'link', 'del', probe])
    await run(['ip', 'netns', 'del', probe])
  }
}

async function packetFilter(
  run: RunCommand,
  namespace: string,
): Promise<NetworkCapabilities['packetFilter']> {
  const inside = ['ip', 'netns', 'exec', namespace]
  if ((await run([...inside, 'iptables', '-A', 'INPUT', '-j', 'DROP'])).code === 0) return 'iptables'
  if ((await run([...inside, 'nft', 'add', 'table', 'inet', 'probe'])).code === 0) return 'nft'
  return 'none'
}

function namespaces(filter: NetworkCapabilities['packetFilter']): NetworkCapabilities {
  const missing =
    filter === 'none'
      ? ['one-way and pairwise faults need iptables or nftables: apt-get install iptables']
      : []
  return { kind: 'namespaces', linkFaults: true, packetFilter: filter, missing }
}

export function loopback(why: string): NetworkCapabilities {
  return {
    kind: 'loopback',
    linkFaults: false,
    packetFilter: 'none',
    missing: [`network faults: ${why}; hosts are loopback addresses, faults are done to processes only`],
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
