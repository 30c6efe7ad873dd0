import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { jsonCommand } from '../command-context.ts'

export function agentCommand({ terminal }: CommandContext): Command {
  return jsonCommand(
    'agent',
    'run the agent of one host: observes, acts when an executor says so, fences its own primary',
  )
    .requiredOption('--config <file>', 'a pointzero/agent-config/1 file')
    .action(async ({ config }: { readonly config: string }) => {
      const [{ composeAgent }, { untilStopped }] = await Promise.all([
        import('../compose-agent.ts'),
        import('../until-stopped.ts'),
      ])
      await untilStopped(terminal, await composeAgent(config))
    })
}
