import { setTimeout as sleep } from 'node:timers/promises'
import { openBuiltinGate } from '../../src/drivers/gate/builtin-gate.ts'
import { machineOctet, zoneHostNames } from '../../src/lab/lab-host.ts'
import { SystemClock } from '../../src/platform/system-clock.ts'
import type { LabPlace } from './contender.ts'
import { patroniPorts } from './patroni-config.ts'

const askEveryMs = 50
const askTimeoutMs = 300

export interface FollowingGate {
  readonly endpoint: string
  /** Where it leads now; absent at first. */
  target(): string | undefined
  close(): Promise<void>
}

/**
 * The way of Patroni's clients: our own relay, led to whoever answers `GET /primary` with 200. It asks every 50 ms, where the usual proxy
 * asks every second or two: what the peer pays for its clients' route is not part of the comparison.
 */
export async function openFollowingGate({ network, state }: LabPlace): Promise<FollowingGate> {
  const listen = { address: `${state.subnet}.${machineOctet}`, port: patroniPorts.gate }
  const gate = await openBuiltinGate({ name: 'bench', listen }, new SystemClock())
  const members = zoneHostNames.map((zone) => network.addressOf(zone))
  let epoch = 0
  let target: string | undefined
  let stopped = false
  const follow = async (): Promise<void> => {
    for (; !stopped; await sleep(askEveryMs)) {
      const answers = await Promise.all(members.map(isPrimary))
      const primaries = members.filter((_, index) => answers[index])
      const [next] = primaries
      if (next === undefined || (target !== undefined && primaries.includes(target))) continue
      target = next
      epoch += 1
      await gate.route({ target: { address: next, port: patroniPorts.postgres }, epoch })
    }
  }
  const following = follow()
  return {
    endpoint: `${listen.address}:${listen.port}`,
    target: () => target,
    async close() {
      stopped = true
      await following
      await gate.close()
    },
  }
}

async function isPrimary(address: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(askTimeoutMs)
    const { status } = await fetch(`http://${address}:${patroniPorts.rest}/primary`, { signal })
    return status === 200
  } catch {
    return false // it does not answer, so it is not known to be one
  }
}
