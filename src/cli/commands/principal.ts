import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { commandGroup, connectedCommand, jsonCommand } from '../command-context.ts'
import { collected } from '../parameters-option.ts'

export interface AddOptions {
  readonly json?: true
  readonly config: string
  readonly name: string
  readonly key: string
  readonly role: readonly string[]
}

export function principalCommand({ terminal }: CommandContext): Command {
  const principal = commandGroup('principal', 'who may ask and approve: list them, add one, make a key')
  principal.addCommand(
    connectedCommand('list', 'the principals that the control plane knows').action(
      async (options: CommonOptions) => {
        const { listPrincipals } = await import('../principals.ts')
        await listPrincipals(terminal, options)
      },
    ),
  )
  principal.addCommand(
    jsonCommand(
      'add',
      "add a principal, or replace the name, key and roles of one: on the control plane's host, in its configuration",
    )
      .argument('<id>', 'prn_…')
      .requiredOption('--config <file>', 'the pointzero/serve-config/1 file; what it was is kept beside it')
      .requiredOption('--name <name>', 'how people call them')
      .requiredOption('--key <key>', 'raw Ed25519 public key in base64url, from `pointzero principal key`')
      .requiredOption(
        '--role <role>',
        'operator, approver, control-plane or auditor; may be repeated',
        collected,
      )
      .action(async (id: string, options: AddOptions) => {
        const { addPrincipal } = await import('../principals.ts')
        await addPrincipal(terminal, id, options)
      }),
  )
  principal.addCommand(
    jsonCommand('key', 'make a signing key: the private half goes into a file, the public half is printed')
      .requiredOption('--out <file>', 'a file that does not exist yet')
      .action(async (options: { readonly out: string; readonly json?: true }) => {
        const { makeKey } = await import('../principals.ts')
        await makeKey(terminal, options.out, options.json === true)
      }),
  )
  return principal
}
