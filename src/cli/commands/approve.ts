import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'

export interface ApproveOptions extends CommonOptions {
  readonly reason?: string
  readonly expires?: string
  readonly standing?: string
  readonly cluster?: string
}

export function approveCommand(context: CommandContext): Command {
  return connectedCommand(
    'approve',
    'sign a yes to exactly one plan, once; or to an automatic procedure, in advance',
  )
    .argument('[hash]', 'the plan hash that `pointzero plan` printed')
    .option('--reason <text>', 'why; goes into the evidence')
    .option('--expires <duration>', "how long the yes holds, ISO 8601 (default: the estate's rule, or PT15M)")
    .option(
      '--standing <procedure>',
      'approve an automatic procedure under the policy as it is now (for P90D)',
    )
    .option('--cluster <name>', 'with --standing: which one; needed when there is more than one')
    .action(async (hash: string | undefined, options: ApproveOptions) => {
      const { approve } = await import('../approve.ts')
      await approve(context.terminal, hash, options)
    })
}
