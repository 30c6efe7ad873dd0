import type { Action } from '../engine/action.ts'
import type { AgentContext } from './agent-context.ts'
import { goalArg, observeStage, recoveryOf } from './recovery-args.ts'

/** Snapshot and WAL into a place of their own beside the member, which is not touched. */
export const postgresRestore: Action<AgentContext> = {
  name: 'postgres.restore',
  version: 1,
  async observe(context, args, { run }) {
    return await observeStage(context, args, run, 'restored')
  },
  async apply(context, args, { run }) {
    await recoveryOf(context, args).restore(run, goalArg(args))
  },
}
