import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'
import type { EvidenceOptions } from '../evidence-summaries.ts'
import { collected } from '../parameters-option.ts'
import { paintFor } from '../render/paint.ts'

type StatusOptions = CommonOptions & EvidenceOptions

export function statusCommand({ terminal }: CommandContext): Command {
  return connectedCommand(
    'status',
    'whether each component would come back, who leads, what is under way, and how old each reading is',
  )
    .option('--evidence <bundle>', 'a bundle that may prove an objective; may be repeated', collected)
    .option('--key <id=key>', 'a principal and its raw Ed25519 key in base64url; may be repeated', collected)
    .option('--keys <file>', 'a file of keys: {"prn_x": "<key>"} (default: the context)')
    .action(async (options: StatusOptions) => {
      const [
        { connect },
        { evidenceSummaries },
        { readiness },
        { knownCopies, shownCopies },
        { failedRestores },
        { overdueIn },
        { timetable },
      ] = await Promise.all([
        import('../connection.ts'),
        import('../evidence-summaries.ts'),
        import('../../estate/readiness.ts'),
        import('../copies/known-copies.ts'),
        import('../copies/failed-restores.ts'),
        import('../copies/overdue.ts'),
        import('../../estate/timetable.ts'),
      ])
      const connection = await connect(terminal, options)
      const { estate, status: ask } = connection
      const context = options.context ?? terminal.environment['POINTZERO_CONTEXT']
      const evidence = await evidenceSummaries(options, context, estate)
      const status = await ask()
      const copies = shownCopies(estate, status, await failedRestores(connection))
      const known = {
        facts: status.facts,
        evidence,
        nowMs: terminal.nowMs(),
        copies: knownCopies(copies),
        overdue: overdueIn(status.timetable ?? [], terminal.nowMs()),
        blind: new Map(
          status.clusters.flatMap(({ component, blind }) =>
            blind === undefined ? [] : [[component, blind] as const],
          ),
        ),
      }
      const ready = readiness(estate, known)
      if (options.json === true) {
        const { notExecuted } = timetable(estate)
        terminal.write(`${JSON.stringify({ ...status, copies, notExecuted, readiness: ready })}\n`)
        return
      }
      const { statusText } = await import('../render/status-text.ts')
      terminal.write(statusText({ estate, status, readiness: ready, copies }, paintFor(terminal)))
    })
}
