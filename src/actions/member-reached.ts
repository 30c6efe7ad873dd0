import { compareLsn, parseLsn } from '../domain/lsn.ts'
import type { Look } from '../engine/action.ts'
import { clusterNamed, memberNamed } from '../estate/estate-lookup.ts'
import { numberArg, textArg } from './agent-context.ts'
import { durableLsn } from './candidate-rule.ts'
import type { ControlContext } from './control-context.ts'

/** The member holds everything up to the LSN, on the timeline it was written on: nothing is lost by promoting it. */
export const memberReached: Look<ControlContext> = {
  name: 'member.reached',
  version: 1,
  async observe(context, args) {
    const cluster = clusterNamed(context.estate, textArg(args, 'component'))
    const member = memberNamed(cluster, textArg(args, 'member'))
    const view = await context.observeHost(member.host)
    const seen = view.members.find((candidate) => candidate.member === member.id)?.observation
    const target = parseLsn(textArg(args, 'lsn'))
    const timeline = numberArg(args, 'timeline')
    if (seen === undefined) return { satisfied: false, seen: { member: 'not seen' } }
    const lsn = durableLsn(seen)
    const holds = seen.role === 'standby' && (seen.timeline ?? 0) >= timeline && compareLsn(lsn, target) >= 0
    if (!holds) return { satisfied: false, seen: { role: seen.role, timeline: seen.timeline, lsn, target } }
    return { satisfied: true, proof: { lsn, target, timeline: seen.timeline ?? 0 }, output: { lsn } }
  },
}
