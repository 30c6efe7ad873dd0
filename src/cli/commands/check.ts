import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { estateCommand } from '../command-context.ts'
import { exitCodes } from '../exit-code.ts'
import { paintFor } from '../render/paint.ts'

interface CheckOptions extends CommonOptions {
  readonly strict?: true
}

export function checkCommand(context: CommandContext): Command {
  return estateCommand('check', 'read an estate and judge its objectives by design; contacts nothing')
    .argument('[file]', 'the estate (default: --estate, or ./estate.yaml)')
    .option('--strict', 'fail when an objective is refuted or anything is red')
    .action(async (file: string | undefined, options: CheckOptions) => check(context, file, options))
}

async function check(
  { terminal, end }: CommandContext,
  file: string | undefined,
  options: CheckOptions,
): Promise<void> {
  const [{ loadEstateWithFindings }, { digest }, { feasibilityOf }] = await Promise.all([
    import('../load-estate.ts'),
    import('../../engine/digest.ts'),
    import('../feasibility.ts'),
  ])
  const path = file ?? options.estate ?? 'estate.yaml'
  const { estate, findings } = await loadEstateWithFindings(path)
  const objectives = feasibilityOf(estate)
  const isBad =
    objectives.some(({ verdict }) => verdict === 'REFUTED') ||
    findings.some(({ severity }) => severity === 'red')
  if (options.strict === true && isBad) end(exitCodes.failed)
  if (options.json === true) {
    const { id, name } = estate
    terminal.write(
      `${JSON.stringify({ file: path, estate: { id, name, digest: digest(estate) }, objectives, findings })}\n`,
    )
    return
  }
  const { checkText } = await import('../render/check-text.ts')
  terminal.write(
    checkText({ file: path, estate, digest: digest(estate), objectives, findings }, paintFor(terminal)),
  )
}
