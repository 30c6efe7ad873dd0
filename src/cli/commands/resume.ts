import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'

export function resumeCommand(context: CommandContext): Command {
  return connectedCommand('resume', 'take a run over, whoever executed it, and go on where its journal ends')
    .argument('<run>', 'run id, the beginning of one, or `last`')
    .action(async (name: string, options: CommonOptions) => {
      const [{ connect }, { runNamed }, { execute }, { continueRun }, { requireExecutable }, catalogue] =
        await Promise.all([
          import('../connection.ts'),
          import('../run-records.ts'),
          import('../execute.ts'),
          import('../../engine/operator-events.ts'),
          import('../../engine/executable-plan.ts'),
          import('../../procedures/parts/catalogue.ts'),
        ])
      const connection = await connect(context.terminal, options)
      const journal = await runNamed(connection, name)
      const from = journal.records.length
      requireExecutable(journal.place.run, journal.state.plan, catalogue.procedureVersions)
      if (journal.state.paused) await continueRun(journal.place)
      await execute(context, connection, { run: journal.place.run, plan: journal.state.plan, from }, options)
    })
}
