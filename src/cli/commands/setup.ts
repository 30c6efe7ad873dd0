import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { estateCommand } from '../command-context.ts'
import { collected } from '../parameters-option.ts'

export interface SetupOptions extends CommonOptions {
  readonly out: string
  readonly person?: readonly string[]
  readonly install: string
  readonly agentState: string
  readonly binaries: string
}

export function setupCommand({ terminal }: CommandContext): Command {
  return estateCommand(
    'setup',
    'make the authority, keys, certificates, configurations and contexts of an estate',
  )
    .requiredOption('--out <directory>', 'a directory that does not exist yet, or is empty')
    .option(
      '--person <name=role,role>',
      'somebody who may ask or approve (default: operator and approver)',
      collected,
    )
    .option('--install <directory>', 'on each host: where its part of this goes', '/etc/pointzero')
    .option('--agent-state <directory>', 'on each host: where its process keeps state', '/var/lib/pointzero')
    .option('--binaries <directory>', "on each host: PostgreSQL's programs", '/usr/lib/postgresql/18/bin')
    .action(async (options: SetupOptions) => {
      const { setUp } = await import('../set-up.ts')
      await setUp(terminal, options)
    })
}
