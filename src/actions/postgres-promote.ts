import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** Makes a standby the primary, after the leader record named it. */
export const postgresPromote: Effect<AgentContext> = {
  name: 'postgres.promote',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    if (seen.role !== 'primary')
      return { satisfied: false, seen: { role: seen.role, timeline: seen.timeline ?? 0 } }
    const output = { timeline: seen.timeline ?? 0, flushLsn: seen.flushLsn ?? '0/0' }
    return { satisfied: true, proof: { role: 'primary', ...output }, output }
  },
  async apply(context, args, authority) {
    const member = textArg(args, 'member')
    await context.intend(member, 'primary', authority.epoch)
    await context.member(textArg(args, 'component'), member).promote()
  },
}
