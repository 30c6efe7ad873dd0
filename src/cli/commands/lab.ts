import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { commandGroup, jsonCommand } from '../command-context.ts'

export interface LabCommandOptions {
  readonly json?: true
  readonly directory?: string
  readonly postgres?: string
  readonly network?: string
  readonly backup?: true
  readonly keep?: true
  readonly keepFiles?: true
  readonly all?: true
}

export function labCommand({ terminal }: CommandContext): Command {
  const lab = commandGroup('lab', 'a real estate on this machine, to try things: up, down, status')
  lab.addCommand(
    jsonCommand('up', 'make one: three zones, PostgreSQL, a control plane, agents, adopted and protected')
      .option('--postgres <kind>', 'system or embedded (default: what there is)')
      .option('--network <kind>', 'namespaces or loopback (default: what works)')
      .option('--backup', 'also take a first base backup')
      .option('--keep', 'leave a lab that did not come up, to look at')
      .action(async (options: LabCommandOptions) => {
        const { bringLabUp } = await import('../lab-commands.ts')
        await bringLabUp(terminal, options)
      }),
  )
  lab.addCommand(
    jsonCommand('down', 'end one and remove what it made; also after a crash')
      .option('--directory <directory>', 'which one (default: the only one)')
      .option('--all', 'every lab on this machine')
      .option('--keep-files', 'leave its logs and data')
      .action(async (options: LabCommandOptions) => {
        const { takeLabDown } = await import('../lab-commands.ts')
        await takeLabDown(terminal, options)
      }),
  )
  lab.addCommand(
    jsonCommand('status', "what runs of one; the product's own view is `pointzero status`")
      .option('--directory <directory>', 'which one (default: the only one)')
      .action(async (options: LabCommandOptions) => {
        const { showLab } = await import('../lab-commands.ts')
        showLab(terminal, options)
      }),
  )
  return lab
}
