import { RecoveryError } from '../domain/recovery-error.ts'
import type { NetworkCapabilities } from './network-capabilities.ts'

export interface DropRule {
  readonly direction: 'in' | 'out'
  /** The peer; everybody when absent. The host's own loopback is never touched. */
  readonly address?: string
}

type Filter = NetworkCapabilities['packetFilter']

/** Commands, to be run on the host itself. Everything is dropped in silence. */
export function dropRules(filter: Filter, rules: readonly DropRule[]): readonly (readonly string[])[] {
  if (filter === 'iptables') return rules.map(iptablesRule)
  if (filter === 'nft') return [['nft', 'add', 'table', 'inet', 'lab'], ...rules.flatMap(nftRules)]
  throw new RecoveryError({
    code: 'LAB_FAULT_UNAVAILABLE',
    class: 'refused',
    message: 'this machine can not drop packets in one direction or between two hosts',
    hint: 'apt-get install iptables, and run the lab as root',
  })
}

/** Commands that end all of it; they may fail when there was nothing. */
export function healRules(filter: Filter): readonly (readonly string[])[] {
  if (filter === 'iptables') return [['iptables', '-F']]
  return filter === 'nft' ? [['nft', 'flush', 'ruleset']] : []
}

function iptablesRule({ direction, address }: DropRule): readonly string[] {
  const peer = direction === 'in' ? '-s' : '-d'
  const [chain, link] = direction === 'in' ? ['INPUT', '-i'] : ['OUTPUT', '-o']
  return [
    'iptables',
    '-A',
    chain,
    link,
    'eth0',
    ...(address === undefined ? [] : [peer, address]),
    '-j',
    'DROP',
  ]
}

function nftRules({ direction, address }: DropRule): readonly (readonly string[])[] {
  const hook = direction === 'in' ? 'input' : 'output'
  const [link, peer] = direction === 'in' ? ['iifname', 'saddr'] : ['oifname', 'daddr']
  const chain = `{ type filter hook ${hook} priority 0 ; policy accept ; }`
  const match = [link, 'eth0', ...(address === undefined ? [] : ['ip', peer, address])]
  return [
    ['nft', 'add', 'chain', 'inet', 'lab', hook, chain],
    ['nft', 'add', 'rule', 'inet', 'lab', hook, ...match, 'drop'],
  ]
}
