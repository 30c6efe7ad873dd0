import type { Action } from '../engine/action.ts'
import type { AgentContext } from './agent-context.ts'
import { goalArg, invariantsArg, observeStage, recoveryOf } from './recovery-args.ts'

/** Reads the whole copy, in isolation, on a timeline of its own, and asks what its owner wants to be asked. */
export const postgresCheck: Action<AgentContext> = {
  name: 'postgres.check',
  version: 1,
  async observe(context, args, { run }) {
    return await observeStage(context, args, run, 'checked')
  },
  async apply(context, args, { run }) {
    await recoveryOf(context, args).check(run, goalArg(args), invariantsArg(args))
  },
}
