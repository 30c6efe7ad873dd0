import type { Effect } from '../engine/action.ts'
import { lsnZero } from '../domain/lsn.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/**
 * Revocation: this standby stops receiving and forgets its upstream on disk, so it can acknowledge nothing to anybody. Once
 * N - W + 1 of the named standbys did, the old primary can confirm no commit, reachable or not.
 */
export const postgresDetach: Effect<AgentContext> = {
  name: 'postgres.detach',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    const detached = seen.role === 'standby' && seen.upstream === '' && seen.receiving === false
    if (!detached)
      return {
        satisfied: false,
        seen: { role: seen.role, upstream: seen.upstream, receiving: seen.receiving },
      }
    const output = {
      timeline: seen.timeline ?? 0,
      receivedLsn: seen.receivedLsn ?? lsnZero,
      replayedLsn: seen.replayedLsn ?? lsnZero,
    }
    return { satisfied: true, proof: { upstream: '', receiving: false, ...output }, output }
  },
  async apply(context, args) {
    await context.member(textArg(args, 'component'), textArg(args, 'member')).detach()
  },
}
