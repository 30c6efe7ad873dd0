import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { jsonCommand } from '../command-context.ts'
import type { DemoOptions } from './start.ts'

export function drillCommand(context: CommandContext): Command {
  return jsonCommand(
    'drill',
    'rehearse a scenario in the lab: a real estate on this machine, a real fault, signed evidence',
  )
    .argument('<scenario>', 'zone-loss or corruption')
    .option('--keep', 'leave the lab up afterwards')
    .option('--seed <number>', 'the fault and its moment are the same for the same seed')
    .option('--evidence <directory>', 'where the bundle and its page go')
    .option('--postgres <kind>', 'system or embedded (default: what there is)')
    .option('--network <kind>', 'namespaces or loopback (default: what works)')
    .action(async (scenario: string, options: DemoOptions) => {
      const { requireDrillable } = await import('../drillable.ts')
      const name = requireDrillable(scenario)
      const { demonstrate } = await import('../demonstration/demonstrate.ts')
      await demonstrate(context, options, { drill: true, names: [name] })
    })
}
