import type { Action } from '../engine/action.ts'
import type { AgentContext } from './agent-context.ts'
import { goalArg, observeStage, recoveryOf } from './recovery-args.ts'

/** After the last write of the database that is replaced: no sequence gives a value again, and the copy is stopped in an orderly way. */
export const postgresFinish: Action<AgentContext> = {
  name: 'postgres.finish',
  version: 1,
  async observe(context, args, { run }) {
    return await observeStage(context, args, run, 'finished')
  },
  async apply(context, args, { run }) {
    await recoveryOf(context, args).finish(run, goalArg(args))
  },
}
