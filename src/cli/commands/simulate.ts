import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { jsonCommand } from '../command-context.ts'

export interface SimulateOptions {
  readonly json?: true
  readonly seed?: string
  readonly seeds: string
  readonly options?: string
}

export function simulateCommand(context: CommandContext): Command {
  return jsonCommand('simulate', 'run the real engine and procedures against a seeded world with faults')
    .option('--seed <number>', 'replay one seed')
    .option('--seeds <number>', 'how many seeds, from 1', '100')
    .option('--options <json>', 'what is not drawn from the seed: the options that a failing seed printed')
    .action(async (options: SimulateOptions) => {
      const { simulate } = await import('../simulate.ts')
      await simulate(context, options)
    })
}
