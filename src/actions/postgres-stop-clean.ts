import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/**
 * Planned demotion: a fast shutdown sends everything to the connected standbys before it ends. The shutdown checkpoint's LSN is
 * what the next primary must hold for the switch to lose nothing.
 */
export const postgresStopClean: Effect<AgentContext> = {
  name: 'postgres.stop-clean',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    const lsn = seen.shutdownLsn
    if (seen.role !== 'stopped' || lsn === undefined) return { satisfied: false, seen: { role: seen.role } }
    const output = { shutdownLsn: lsn, timeline: seen.timeline ?? 0 }
    return { satisfied: true, proof: { state: 'shut down', ...output }, output }
  },
  async apply(context, args, authority) {
    const member = textArg(args, 'member')
    await context.intend(member, 'none', authority.epoch)
    await context.member(textArg(args, 'component'), member).stopClean()
  },
}
