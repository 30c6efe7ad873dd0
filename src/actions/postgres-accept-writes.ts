import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** Undoes `postgres.refuse-writes`. A server that does not run refuses nothing: its next start accepts writes. */
export const postgresAcceptWrites: Effect<AgentContext> = {
  name: 'postgres.accept-writes',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    const isCertain = seen.role === 'primary' || seen.role === 'standby' || seen.role === 'stopped'
    if (!isCertain || seen.refusesWrites === true)
      return { satisfied: false, seen: { role: seen.role, refusesWrites: seen.refusesWrites ?? false } }
    return { satisfied: true, proof: { role: seen.role, refusesWrites: false }, output: {} }
  },
  async apply(context, args) {
    await context.member(textArg(args, 'component'), textArg(args, 'member')).acceptWrites()
  },
}
