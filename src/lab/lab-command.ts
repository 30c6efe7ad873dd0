import { RecoveryError } from '../domain/recovery-error.ts'
import type { LabNetwork } from './lab-network.ts'
import { personContext, productProgram } from './lab-paths.ts'
import type { LabPerson } from './lab-paths.ts'
import type { LabState } from './lab-state.ts'
import { runCommand } from './run-command.ts'
import type { CommandResult } from './run-command.ts'

/** `pointzero <args>` as that person, from the client's host: the lab asks the product for nothing that a user could not ask for. */
export async function asPerson(
  state: LabState,
  network: LabNetwork,
  person: LabPerson,
  args: readonly string[],
): Promise<CommandResult> {
  const context = ['--context', personContext(state.directory, person)]
  return await runCommand(network.argvOn('client', [process.execPath, productProgram, ...args, ...context]))
}

/** The JSON that a command prints, which must end well. */
export async function jsonAsPerson<Reply>(
  state: LabState,
  network: LabNetwork,
  person: LabPerson,
  args: readonly string[],
): Promise<Reply> {
  const { code, stdout, stderr } = await asPerson(state, network, person, [...args, '--json'])
  const [last = ''] = stdout.trim().split('\n').slice(-1)
  if (code === 0) return JSON.parse(last) as Reply
  throw new RecoveryError({
    code: 'LAB_COMMAND_FAILED',
    class: 'permanent',
    message: `pointzero ${args.join(' ')} ended with ${code}: ${(last || stderr).trim().slice(0, 2000)}`,
    hint: `run it by hand: ${network.argvOn('client', ['bin/pointzero', ...args]).join(' ')} --context ${personContext(state.directory, person)}`,
  })
}
