import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { jsonCommand } from '../command-context.ts'

export function serveCommand({ terminal }: CommandContext): Command {
  return jsonCommand(
    'serve',
    'run the control plane: holds the store, hears the agents, starts what may start by itself',
  )
    .requiredOption('--config <file>', 'a pointzero/serve-config/1 file')
    .action(async ({ config }: { readonly config: string }) => {
      const [{ composeControlPlane }, { untilStopped }] = await Promise.all([
        import('../compose-control-plane.ts'),
        import('../until-stopped.ts'),
      ])
      await untilStopped(terminal, await composeControlPlane(config))
    })
}
