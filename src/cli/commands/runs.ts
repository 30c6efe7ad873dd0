import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'

export function runsCommand({ terminal }: CommandContext): Command {
  return connectedCommand('runs', 'list the runs of this estate').action(async (options: CommonOptions) => {
    const [{ connect, shownAs }, { listRuns }, { runWords }] = await Promise.all([
      import('../connection.ts'),
      import('../run-records.ts'),
      import('../../evidence/run-kind.ts'),
    ])
    const connection = await connect(terminal, options)
    const runs = await listRuns(connection)
    if (options.json === true) {
      terminal.write(`${JSON.stringify({ runs })}\n`)
      return
    }
    const { textTable } = await import('../render/text-table.ts')
    const rows = runs.map(({ run, mode, procedure, scope, status, openedAtMs, requestedBy }) => {
      const at = new Date(openedAtMs).toISOString()
      return [run, runWords[shownAs(connection, mode)], procedure, scope, status, at, requestedBy]
    })
    terminal.write(textTable(['RUN', 'MODE', 'PROCEDURE', 'SCOPE', 'STATUS', 'OPENED', 'ASKED FOR BY'], rows))
  })
}
