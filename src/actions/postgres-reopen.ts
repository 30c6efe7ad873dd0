import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** For the acknowledgement that makes a reopened primary fit for clients. */
const acknowledgeMs = 3_000

/** Undoes a planned demotion while the leader record still names this member: start as standby, promote again. */
export const postgresReopen: Effect<AgentContext> = {
  name: 'postgres.reopen',
  version: 1,
  observeWrites: true,
  async observe(context, args) {
    const member = context.member(textArg(args, 'component'), textArg(args, 'member'))
    const seen = await member.observe()
    if (seen.role !== 'primary') return { satisfied: false, seen: { role: seen.role } }
    // Clients come back after this: what they read must have a second copy (restart hole).
    const { counter } = await member.writeCanary(context.world.clock.now(), acknowledgeMs)
    return { satisfied: true, proof: { role: 'primary', timeline: seen.timeline ?? 0, counter }, output: {} }
  },
  async apply(context, args, authority) {
    const name = textArg(args, 'member')
    const member = context.member(textArg(args, 'component'), name)
    await context.intend(name, 'primary', authority.epoch)
    await member.startAsStandby()
    await member.detach()
    await member.promote()
  },
}
