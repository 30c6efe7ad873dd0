import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { jsonCommand } from '../command-context.ts'

export function captureCommand({ terminal }: CommandContext): Command {
  return jsonCommand(
    'capture',
    'receive the WAL of one database for ever: write, sync, acknowledge; can stand in synchronous_standby_names',
  )
    .requiredOption('--config <file>', 'a pointzero/capture-config/1 file')
    .action(async ({ config, json }: { readonly config: string; readonly json?: true }) => {
      const { runCapture } = await import('../run-capture.ts')
      await runCapture(terminal, config, json === true)
    })
}
