import { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

/** What every command is built with. */
export interface CommandContext {
  readonly terminal: Terminal
  /** Called once when the exit code is another than 0 and nothing was thrown. */
  readonly end: (exitCode: ExitCode) => void
}

export interface CommonOptions {
  readonly json?: true
  readonly estate?: string
  readonly context?: string
}

/** Only a name for its subcommands. It has no options: commander would take them away from a subcommand. */
export function commandGroup(name: string, description: string): Command {
  return new Command(name).description(description)
}

export function jsonCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print JSON (docs/reference/json-output.md)')
}

export function estateCommand(name: string, description: string): Command {
  return jsonCommand(name, description).option(
    '--estate <file>',
    "the estate (default: ./estate.yaml, or the context's)",
  )
}

/** A command that talks to a control plane. */
export function connectedCommand(name: string, description: string): Command {
  return estateCommand(name, description).option(
    '--context <file>',
    'how to reach the control plane, as whom (default: $POINTZERO_CONTEXT)',
  )
}
