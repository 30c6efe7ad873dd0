import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'
import { collected } from '../parameters-option.ts'

export interface RunOptions extends CommonOptions {
  readonly approve?: string
  readonly scenario?: string
  readonly param?: readonly string[]
}

export function runCommand(context: CommandContext): Command {
  return connectedCommand('run', 'plan again from fresh facts and execute, if exactly that plan was approved')
    .argument('<procedure>', 'zone-failover, switchover …')
    .option('--approve <hash>', 'the approved plan; anything else is refused')
    .option('--param <name=value>', 'a parameter of the procedure; may be repeated', collected)
    .option('--scenario <scenario>', 'refuse a procedure that is not for this scenario')
    .action(async (procedure: string, options: RunOptions) => {
      const { openAndExecute } = await import('../open-and-execute.ts')
      await openAndExecute(context, { ...options, procedure })
    })
}
