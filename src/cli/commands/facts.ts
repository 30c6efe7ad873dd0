import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'

export function factsCommand({ terminal }: CommandContext): Command {
  return connectedCommand('facts', 'record what plans depend on, for `pointzero plan --facts`')
    .option('--out <file>', 'write them there instead of printing them')
    .action(async (options: CommonOptions & { readonly out?: string }) => {
      const { connect } = await import('../connection.ts')
      const { facts } = await (await connect(terminal, options)).status()
      const text = `${JSON.stringify(facts, undefined, options.json === true ? 0 : 2)}\n`
      if (options.out === undefined) {
        terminal.write(text)
        return
      }
      const { writeFile } = await import('node:fs/promises')
      await writeFile(options.out, text)
      terminal.note(`${options.out} written\n`)
    })
}
