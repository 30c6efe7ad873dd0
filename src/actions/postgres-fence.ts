import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** Stops a former primary for good: no process of it remains, and its agent will not start it again on its own. */
export const postgresFence: Effect<AgentContext> = {
  name: 'postgres.fence',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    if (seen.role !== 'stopped') return { satisfied: false, seen: { role: seen.role } }
    return { satisfied: true, proof: { role: 'stopped' }, output: {} }
  },
  async apply(context, args, authority) {
    const member = textArg(args, 'member')
    await context.intend(member, 'fenced', authority.epoch)
    await context.member(textArg(args, 'component'), member).stopImmediate()
  },
}
