import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { jsonCommand } from '../command-context.ts'
import { collected } from '../parameters-option.ts'

export interface IdentityOptions {
  readonly json?: true
  readonly authority: string
  readonly address?: readonly string[]
  readonly out: string
}

export function identityCommand({ terminal }: CommandContext): Command {
  return jsonCommand(
    'identity',
    'issue a certificate with the authority that setup made: for a new host or person, or to renew one',
  )
    .argument('<id>', 'hst_… or prn_…')
    .requiredOption('--authority <directory>', 'holds ca.pem and ca-key.pem')
    .option(
      '--address <address>',
      'an address under which others reach it; may be repeated; none for a person',
      collected,
    )
    .requiredOption(
      '--out <directory>',
      'where ca.pem, cert.pem and key.pem go; nothing there is overwritten',
    )
    .action(async (id: string, options: IdentityOptions) => {
      const { issue } = await import('../issue-identity.ts')
      await issue(terminal, id, options)
    })
}
