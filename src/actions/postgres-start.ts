import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** Starts a member that is about to be adopted, always as a standby; one that runs already is left as it is. */
export const postgresStart: Effect<AgentContext> = {
  name: 'postgres.start',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    const running = seen.role === 'primary' || seen.role === 'standby'
    if (!running || seen.systemIdentifier === undefined)
      return { satisfied: false, seen: { role: seen.role, systemIdentifier: seen.systemIdentifier } }
    const output = { systemIdentifier: seen.systemIdentifier }
    return { satisfied: true, proof: { role: seen.role, ...output }, output }
  },
  async apply(context, args) {
    await context.member(textArg(args, 'component'), textArg(args, 'member')).startAsStandby()
  },
}
