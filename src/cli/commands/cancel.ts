import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'

export function cancelCommand({ terminal }: CommandContext): Command {
  return connectedCommand(
    'cancel',
    'ask the executor to stop: rolls back before the point of no return, only stops after it',
  )
    .argument('<run>', 'run id, the beginning of one, or `last`')
    .action(async (name: string, options: CommonOptions) => {
      const [{ connect }, { runNamed }, { cancelRun }] = await Promise.all([
        import('../connection.ts'),
        import('../run-records.ts'),
        import('../../engine/operator-events.ts'),
      ])
      const journal = await runNamed(await connect(terminal, options), name)
      const { run } = journal.place
      const { pointOfNoReturn } = await cancelRun(journal.place)
      if (options.json === true) {
        const rollsBack = pointOfNoReturn === undefined
        terminal.write(`${JSON.stringify({ run, cancelRequested: true, rollsBack })}\n`)
        return
      }
      const next =
        pointOfNoReturn === undefined
          ? 'its effects are undone'
          : `${pointOfNoReturn} can not be undone any more`
      terminal.write(`${run}: cancelling; ${next}. See \`pointzero show ${run}\`\n`)
    })
}
