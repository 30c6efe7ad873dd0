import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { jsonCommand } from '../command-context.ts'

export interface PointsOptions {
  readonly json?: true
  readonly archive: string
  readonly backups?: string
  readonly verify?: true
  readonly time?: string
  readonly xid?: string
  readonly lsn?: string
  readonly name?: string
  readonly end?: true
  readonly timeline?: string
}

export function pointsCommand(context: CommandContext): Command {
  return jsonCommand(
    'points',
    'what can be recovered to: reachable ranges, named points, gaps; with a target, exactly where that is',
  )
    .requiredOption('--archive <directory>', 'the WAL archive that `pointzero capture` writes')
    .option('--backups <file>', 'base backups: [{"id", "timeline", "startLsn", "endLsn"}]')
    .option('--verify', 'read every file and compare its digest with the ledger')
    .option('--time <instant>', 'resolve: everything committed until then, 2026-11-21T14:03:07.412Z')
    .option('--xid <xid>', 'resolve: just before this transaction was committed')
    .option('--lsn <lsn>', 'resolve: before the record at or behind this LSN')
    .option('--name <name>', 'resolve: a point that pg_create_restore_point made')
    .option('--end', 'resolve: everything there is')
    .option('--timeline <number>', 'which history (default: the newest)')
    .action(async (options: PointsOptions) => {
      const { showPoints } = await import('../show-points.ts')
      await showPoints(context, options)
    })
}
