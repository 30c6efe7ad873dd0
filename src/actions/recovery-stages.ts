import type { Effect, ActionArgs } from '../engine/action.ts'
import type { DatabaseRecovery, RecoveryStage } from '../ports/database-recovery.ts'
import type { AgentContext } from './agent-context.ts'
import { goalArg, invariantsArg, recoveryOf } from './recovery-args.ts'

type StageEffect = (recovery: DatabaseRecovery, run: string, args: ActionArgs) => Promise<void>

/** A stage is done when its report is there, which was written after what it says was seen. The copy belongs to its run. */
function stageAction(name: string, stage: RecoveryStage, effect: StageEffect): Effect<AgentContext> {
  return {
    name,
    version: 1,
    async observe(context, args, { run }) {
      const report = await recoveryOf(context, args).report(run, stage)
      if (report === undefined) return { satisfied: false, seen: { [stage]: false } }
      return { satisfied: true, proof: report, output: report }
    },
    async apply(context, args, { run }) {
      await effect(recoveryOf(context, args), run, args)
    },
  }
}

/** What happens to the copy beside the member, which is not touched; see DatabaseRecovery for each. */
export const recoveryStages: readonly Effect<AgentContext>[] = [
  stageAction('postgres.export-after', 'exported', async (recovery, run, args) => {
    await recovery.export(run, goalArg(args))
  }),
  stageAction('postgres.restore', 'restored', async (recovery, run, args) => {
    await recovery.restore(run, goalArg(args))
  }),
  stageAction('postgres.replay', 'replayed', async (recovery, run, args) => {
    await recovery.replay(run, goalArg(args))
  }),
  stageAction('postgres.check', 'checked', async (recovery, run, args) => {
    await recovery.check(run, goalArg(args), invariantsArg(args))
  }),
  stageAction('postgres.finish', 'finished', async (recovery, run, args) => {
    await recovery.finish(run, goalArg(args))
  }),
]
