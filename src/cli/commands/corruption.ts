import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { commandGroup, connectedCommand } from '../command-context.ts'
import type { ArchiveChoice } from '../copies/estate-archive.ts'

export interface CorruptionOptions extends ArchiveChoice {
  readonly from: string
  readonly to?: string
  readonly rows: string
  readonly timeline?: string
}

export function corruptionCommand({ terminal }: CommandContext): Command {
  const corruption = commandGroup('corruption', 'find what did the damage')
  corruption.addCommand(
    connectedCommand(
      'find',
      'transactions that dropped, emptied or changed much, with xid, LSN, time, table, rows',
    )
      .option(
        '--archive <directory>',
        'a WAL archive on this machine (default: the one that the estate keeps)',
      )
      .option('--component <name>', 'of the estate; needed when there is more than one database')
      .requiredOption('--from <instant or LSN>', 'where to begin')
      .option('--to <instant or LSN>', 'where to end (default: the end of the archive)')
      .option('--rows <number>', 'how many deleted or updated rows are many', '100')
      .option('--timeline <number>', 'which history (default: the newest)')
      .action(async (options: CorruptionOptions) => {
        const { findCorruption } = await import('../find-corruption.ts')
        await findCorruption(terminal, options)
      }),
  )
  return corruption
}
