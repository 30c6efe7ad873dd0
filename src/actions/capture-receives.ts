import type { Look } from '../engine/action.ts'
import { clusterNamed, hostNamed, memberNamed } from '../estate/estate-lookup.ts'
import { keepersOf, keptNowhere } from '../estate/keepers.ts'
import { namesakes } from '../estate/namesakes.ts'
import { numberArg, textArg } from './agent-context.ts'
import type { ControlContext } from './control-context.ts'

/**
 * Before a commit may wait for it: the capture says that it receives from the leader under its own name, the leader streams to that name and to no
 * namesake, which would be counted as well, and it is not far behind. A connection that ended is a namesake until the server notices.
 */
export const captureReceives: Look<ControlContext> = {
  name: 'capture.receives',
  version: 1,
  async observe(context, args) {
    const cluster = clusterNamed(context.estate, textArg(args, 'component'))
    const leader = memberNamed(cluster, textArg(args, 'member'))
    const name = textArg(args, 'capture')
    const { archive } = keepersOf(context.estate, cluster)
    if (archive === undefined) throw keptNowhere(cluster.name, 'WAL archive')
    const home = hostNamed(context.estate, leader.host)
    const [kept, led] = [await context.observeHost(archive.name), await context.observeHost(home.name)]
    const capture = kept.copies?.find(({ component }) => component === cluster.id)?.capture
    const seen = led.members.find(({ member }) => member === leader.id)?.observation
    const [own, ...others] = namesakes(seen?.standbys ?? [], name)
    const receives =
      capture?.applicationName === name &&
      capture.protection.kind !== 'degraded' &&
      capture.source === `${home.address}:${leader.port}`
    const lagBytes = own?.lagBytes ?? -1
    const isClose = own?.state === 'streaming' && lagBytes >= 0 && lagBytes <= numberArg(args, 'lagMaxBytes')
    const found = { receives, connections: own === undefined ? 0 : 1 + others.length, lagBytes }
    if (!receives || own?.name !== name || others.length > 0 || !isClose)
      return { satisfied: false, seen: found }
    return { satisfied: true, proof: { ...found, flushLsn: own.flushLsn ?? '' }, output: {} }
  },
}
