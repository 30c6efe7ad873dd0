import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'

export function pauseCommand({ terminal }: CommandContext): Command {
  return connectedCommand('pause', 'let the steps under way end and start no other until `pointzero resume`')
    .argument('<run>', 'run id, the beginning of one, or `last`')
    .action(async (name: string, options: CommonOptions) => {
      const [{ connect }, { runNamed }, { pauseRun }] = await Promise.all([
        import('../connection.ts'),
        import('../run-records.ts'),
        import('../../engine/operator-events.ts'),
      ])
      const journal = await runNamed(await connect(terminal, options), name)
      const { run } = journal.place
      await pauseRun(journal.place)
      terminal.write(
        options.json === true ? `${JSON.stringify({ run, paused: true })}\n` : `${run}: paused\n`,
      )
    })
}
