import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'
import { paintFor } from '../render/paint.ts'

export function statusCommand({ terminal }: CommandContext): Command {
  return connectedCommand(
    'status',
    'who leads, what is exposed, what is under way, and how old each reading is',
  ).action(async (options: CommonOptions) => {
    const { connect } = await import('../connection.ts')
    const connection = await connect(terminal, options)
    const status = await connection.status()
    if (options.json === true) {
      terminal.write(`${JSON.stringify(status)}\n`)
      return
    }
    const { statusText } = await import('../render/status-text.ts')
    terminal.write(statusText(connection.estate, status, paintFor(terminal)))
  })
}
