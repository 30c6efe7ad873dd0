import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'
import type { ArchiveChoice } from '../copies/estate-archive.ts'

export interface PointsOptions extends ArchiveChoice {
  readonly store?: string
  readonly pin?: string
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
  return connectedCommand(
    'points',
    'what can be recovered to: reachable ranges, named points, gaps; with a target, exactly where that is',
  )
    .option(
      '--archive <directory>',
      'a WAL archive on this machine (default: the one that the estate keeps, with the snapshots of its vault)',
    )
    .option('--component <name>', 'of the estate; needed when there is more than one database')
    .option('--store <directory>', 'with --archive: the vault whose snapshots count')
    .option('--pin <file>', 'with --store: vault.pin.json of `pointzero vault init`')
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
