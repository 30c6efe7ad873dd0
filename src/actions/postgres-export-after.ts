import type { Action } from '../engine/action.ts'
import type { AgentContext } from './agent-context.ts'
import { goalArg, observeStage, recoveryOf } from './recovery-args.ts'

/** Saves the rows that the recovery undoes, from the database that still runs and that nobody writes to any more. */
export const postgresExportAfter: Action<AgentContext> = {
  name: 'postgres.export-after',
  version: 1,
  async observe(context, args, { run }) {
    return await observeStage(context, args, run, 'exported')
  },
  async apply(context, args, { run }) {
    await recoveryOf(context, args).export(run, goalArg(args))
  },
}
