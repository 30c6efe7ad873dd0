import { Command, CommanderError } from 'commander'
import { toErrorRecord } from '../domain/recovery-error.ts'
import { productVersion } from '../domain/product-version.ts'
import { agentCommand } from './commands/agent.ts'
import { approveCommand } from './commands/approve.ts'
import { cancelCommand } from './commands/cancel.ts'
import { captureCommand } from './commands/capture.ts'
import { checkCommand } from './commands/check.ts'
import { corruptionCommand } from './commands/corruption.ts'
import { drillCommand } from './commands/drill.ts'
import { evidenceCommand } from './commands/evidence.ts'
import { factsCommand } from './commands/facts.ts'
import { identityCommand } from './commands/identity.ts'
import { labCommand } from './commands/lab.ts'
import { pauseCommand } from './commands/pause.ts'
import { planCommand } from './commands/plan.ts'
import { pointsCommand } from './commands/points.ts'
import { principalCommand } from './commands/principal.ts'
import { resumeCommand } from './commands/resume.ts'
import { runCommand } from './commands/run.ts'
import { runsCommand } from './commands/runs.ts'
import { serveCommand } from './commands/serve.ts'
import { setupCommand } from './commands/setup.ts'
import { showCommand } from './commands/show.ts'
import { simulateCommand } from './commands/simulate.ts'
import { startCommand } from './commands/start.ts'
import { statusCommand } from './commands/status.ts'
import { vaultCommand } from './commands/vault.ts'
import type { CommandContext } from './command-context.ts'
import { exitCodeOf, exitCodes } from './exit-code.ts'
import type { ExitCode } from './exit-code.ts'
import { errorBlock } from './render/error-block.ts'
import { paintFor } from './render/paint.ts'
import type { Terminal } from './terminal.ts'

/** In the order in which people need them. */
const commands = [
  ...[checkCommand, setupCommand, identityCommand, principalCommand, statusCommand, factsCommand],
  ...[
    planCommand,
    approveCommand,
    runCommand,
    resumeCommand,
    pauseCommand,
    cancelCommand,
    runsCommand,
    showCommand,
  ],
  ...[drillCommand, simulateCommand, evidenceCommand],
  vaultCommand,
  ...[pointsCommand, corruptionCommand],
  ...[startCommand, labCommand, serveCommand, agentCommand, captureCommand],
]

const exitCodeHelp = `
Exit codes: 0 done, 1 failed, 2 usage or estate, 3 refused, 4 waiting for a decision, 5 lease held elsewhere
(docs/reference/exit-codes.md). Every command takes --json.`

/** Only definitions: what a command needs is loaded when it runs, so that --help answers at once. */
export function buildProgram(terminal: Terminal, end: (exitCode: ExitCode) => void): Command {
  const program = new Command('pointzero')
    .description('Disaster recovery that is planned, approved, executed and proved.')
    .version(productVersion, '-V, --version', 'print the version')
    .addHelpText('after', exitCodeHelp)
  const context: CommandContext = { terminal, end }
  for (const command of commands) program.addCommand(command(context))
  settle(program, terminal)
  return program
}

/** Runs one command line; never throws and never ends the process. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done
  const program = buildProgram(terminal, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    return report(error, args.includes('--json'), terminal)
  }
}

function report(error: unknown, asJson: boolean, terminal: Terminal): ExitCode {
  const exitCode = exitCodeOf(error)
  if (asJson) terminal.write(`${JSON.stringify({ error: toErrorRecord(error), exitCode })}\n`)
  else terminal.note(errorBlock(error, paintFor(terminal)))
  return exitCode
}

function settle(command: Command, terminal: Terminal): void {
  command.exitOverride()
  command.configureOutput({ writeOut: terminal.write, writeErr: terminal.note })
  command.showHelpAfterError('(pointzero --help lists the commands)')
  for (const child of command.commands) settle(child, terminal)
}
