import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/**
 * The new timeline must be in pg_control before anybody rewinds against it: before the first checkpoint pg_rewind (15 and older)
 * says "no rewind required" and leaves a diverged directory.
 */
export const postgresCheckpoint: Effect<AgentContext> = {
  name: 'postgres.checkpoint',
  version: 1,
  async observe(context, args) {
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    const timeline = seen.timeline ?? 0
    if (seen.role !== 'primary' || seen.checkpointTimeline !== timeline) {
      return {
        satisfied: false,
        seen: { role: seen.role, timeline, checkpointTimeline: seen.checkpointTimeline },
      }
    }
    return { satisfied: true, proof: { checkpointTimeline: timeline }, output: {} }
  },
  async apply(context, args) {
    await context.member(textArg(args, 'component'), textArg(args, 'member')).checkpoint()
  },
}
