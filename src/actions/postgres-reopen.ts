import type { Action } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** Undoes a planned demotion while the leader record still names this member: start as standby, promote again. */
export const postgresReopen: Action<AgentContext> = {
  name: 'postgres.reopen',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    if (seen.role !== 'primary') return { satisfied: false, seen: { role: seen.role } }
    return { satisfied: true, proof: { role: 'primary', timeline: seen.timeline ?? 0 }, output: {} }
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
