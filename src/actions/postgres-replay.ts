import type { Action } from '../engine/action.ts'
import type { AgentContext } from './agent-context.ts'
import { goalArg, observeStage, recoveryOf } from './recovery-args.ts'

/** The copy stands at the goal in isolation, and says so itself: LSN, timeline, the last commit in and the first one out. */
export const postgresReplay: Action<AgentContext> = {
  name: 'postgres.replay',
  version: 1,
  async observe(context, args, { run }) {
    return await observeStage(context, args, run, 'replayed')
  },
  async apply(context, args, { run }) {
    await recoveryOf(context, args).replay(run, goalArg(args))
  },
}
