import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/**
 * Clients that go past every gate are told no as well. What is there can still be read, and no row is added to what a recovery undoes. Sessions
 * that the server had are ended once, when it begins.
 */
export const postgresRefuseWrites: Effect<AgentContext> = {
  name: 'postgres.refuse-writes',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    if (seen.role !== 'primary' || seen.refusesWrites !== true)
      return { satisfied: false, seen: { role: seen.role, refusesWrites: seen.refusesWrites ?? false } }
    return { satisfied: true, proof: { role: seen.role, refusesWrites: true }, output: {} }
  },
  async apply(context, args) {
    await context.member(textArg(args, 'component'), textArg(args, 'member')).refuseWrites()
  },
}
