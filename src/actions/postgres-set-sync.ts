import type { Effect } from '../engine/action.ts'
import { numberArg, textArg, textsArg, type AgentContext } from './agent-context.ts'

/** Loads the explicit names whose acknowledgement a commit waits for. They are published in the leader record before this runs. */
export const postgresSetSync: Effect<AgentContext> = {
  name: 'postgres.set-sync',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    const wanted = [...textsArg(args, 'names')].sort()
    const found = [...(seen.syncNames ?? [])].sort()
    const count = numberArg(args, 'count')
    const same = found.length === wanted.length && found.every((name, index) => name === wanted[index])
    if (!same || (wanted.length > 0 && seen.syncCount !== count)) {
      return { satisfied: false, seen: { role: seen.role, names: found, count: seen.syncCount ?? 0 } }
    }
    return { satisfied: true, proof: { names: found, count }, output: {} }
  },
  async apply(context, args) {
    const member = context.member(textArg(args, 'component'), textArg(args, 'member'))
    await member.setSynchronous(textsArg(args, 'names'), numberArg(args, 'count'))
  },
}
