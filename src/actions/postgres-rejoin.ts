import type { Effect } from '../engine/action.ts'
import { numberArg, textArg, upstreamArg, type AgentContext } from './agent-context.ts'

/**
 * Brings a member back as a standby of the upstream, whatever it was: stopped first, then unchanged, rewound or cloned into a new
 * directory (the old one is kept), then started as a standby.
 */
export const postgresRejoin: Effect<AgentContext> = {
  name: 'postgres.rejoin',
  version: 1,
  async observe(context, args) {
    const upstream = upstreamArg(args, 'upstream')
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    const wanted = `${upstream.address}:${upstream.port}`
    if (seen.role !== 'standby' || seen.upstream !== wanted || seen.streaming !== true) {
      return {
        satisfied: false,
        seen: { role: seen.role, upstream: seen.upstream, streaming: seen.streaming },
      }
    }
    // A receiver that is refused, because its history is another one, looks connected for a moment each time.
    const wantedTimeline = args['timeline'] === undefined ? 0 : numberArg(args, 'timeline')
    const output = { timeline: seen.timeline ?? 0 }
    if (output.timeline < wantedTimeline)
      return { satisfied: false, seen: { role: seen.role, upstream: seen.upstream, ...output } }
    return { satisfied: true, proof: { upstream: wanted, streaming: true, ...output }, output }
  },
  async apply(context, args, authority) {
    const name = textArg(args, 'member')
    const member = context.member(textArg(args, 'component'), name)
    await context.intend(name, 'fenced', authority.epoch)
    await member.stopImmediate()
    const upstream = upstreamArg(args, 'upstream')
    const { method } = await member.rejoin(upstream)
    await member.follow(upstream)
    context.world.log.info('member-rejoined', { member: name, method })
    await context.intend(name, 'standby', authority.epoch)
    await member.startAsStandby()
  },
}
