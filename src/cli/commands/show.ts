import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'
import { paintFor } from '../render/paint.ts'

export function showCommand({ terminal }: CommandContext): Command {
  return connectedCommand('show', 'print the journal of a run, verified record by record')
    .argument('<run>', 'run id, the beginning of one, or `last`')
    .option('--plan', 'print its plan too')
    .action(async (name: string, options: CommonOptions & { readonly plan?: true }) => {
      const [{ connect, shownAs }, { runNamed }] = await Promise.all([
        import('../connection.ts'),
        import('../run-records.ts'),
      ])
      const connection = await connect(terminal, options)
      const { records, state, place } = await runNamed(connection, name)
      const status = state.finished?.status ?? (state.paused ? 'paused' : 'open')
      if (options.json === true) {
        const { plan, planHash, requestedBy, epoch } = state
        terminal.write(
          `${JSON.stringify({ run: place.run, status, planHash, requestedBy, epoch, plan, records })}\n`,
        )
        return
      }
      const [{ planText }, { runBanner }, { runLine }] = await Promise.all([
        import('../render/plan-text.ts'),
        import('../render/run-banner.ts'),
        import('../render/run-line.ts'),
      ])
      const paint = paintFor(terminal)
      const { plan, planHash } = state
      const kind = shownAs(connection, plan.mode)
      if (options.plan === true) terminal.write(`${planText(plan, planHash, paint, kind)}\n`)
      else terminal.write(runBanner(kind, `${plan.procedure} (${plan.scenario}), ${place.run}`, paint))
      for (const record of records) terminal.write(runLine(record, kind, paint))
      terminal.write(`${place.run}: ${status}\n`)
    })
}
