import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { jsonCommand } from '../command-context.ts'

export interface DemoOptions {
  readonly json?: true
  readonly keep?: true
  readonly seed?: string
  readonly evidence?: string
  readonly postgres?: string
  readonly network?: string
}

export function startCommand(context: CommandContext): Command {
  return jsonCommand(
    'start',
    'what `npm start` runs: an estate under load, a lost zone, a corrupted database, both recoveries, and the proof',
  )
    .option('--keep', 'leave the lab up afterwards')
    .option('--seed <number>', 'the moment of the fault is the same for the same seed')
    .option('--evidence <directory>', 'where the bundle and its page go')
    .option('--postgres <kind>', 'system or embedded (default: what there is)')
    .option('--network <kind>', 'namespaces or loopback (default: what works)')
    .action(async (options: DemoOptions) => {
      const { demonstrate } = await import('../demonstration/demonstrate.ts')
      await demonstrate(context, options, { drill: false, names: ['zone-loss', 'corruption'] })
    })
}
