import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { estateCommand } from '../command-context.ts'
import { exitCodes } from '../exit-code.ts'
import { collected } from '../parameters-option.ts'
import { paintFor } from '../render/paint.ts'

export interface CheckOptions extends CommonOptions {
  readonly strict?: true
  readonly facts?: string
  readonly evidence?: readonly string[]
  readonly key?: readonly string[]
  readonly keys?: string
}

export function checkCommand(context: CommandContext): Command {
  return estateCommand(
    'check',
    'read an estate and judge each objective: refuted, unproven or proven; contacts nothing',
  )
    .argument('[file]', 'the estate (default: --estate, or ./estate.yaml)')
    .option('--facts <file>', 'facts that `pointzero facts` recorded: what they void is refuted')
    .option(
      '--evidence <bundle>',
      'a bundle that may prove an objective; may be repeated; needs keys',
      collected,
    )
    .option('--key <id=key>', 'a principal and its raw Ed25519 key in base64url; may be repeated', collected)
    .option('--keys <file>', 'a file of keys: {"prn_x": "<key>"}, or a context file')
    .option('--strict', 'fail when an objective is refuted or anything is red')
    .action(async (file: string | undefined, options: CheckOptions) => check(context, file, options))
}

async function check(
  { terminal, end }: CommandContext,
  file: string | undefined,
  options: CheckOptions,
): Promise<void> {
  const { checkEstate } = await import('../check-estate.ts')
  const checked = await checkEstate(terminal, file ?? options.estate ?? 'estate.yaml', options)
  const { objectives, findings } = checked
  const isBad =
    objectives.some(({ verdict }) => verdict === 'REFUTED') ||
    findings.some(({ severity }) => severity === 'red')
  if (options.strict === true && isBad) end(exitCodes.failed)
  if (options.json === true) {
    const { id, name } = checked.estate
    const estate = { id, name, digest: checked.digest }
    const { file: of, staleReads, timetable } = checked
    terminal.write(`${JSON.stringify({ file: of, estate, objectives, findings, staleReads, timetable })}\n`)
    return
  }
  const { checkText } = await import('../render/check-text.ts')
  terminal.write(checkText(checked, paintFor(terminal)))
}
