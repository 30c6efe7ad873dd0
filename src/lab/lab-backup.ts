import { RecoveryError } from '../domain/recovery-error.ts'
import { labPasswordVariable } from './lab-estate.ts'
import type { LabNetwork } from './lab-network.ts'
import { hostPaths, productProgram, vaultPaths } from './lab-paths.ts'
import type { LabState } from './lab-state.ts'
import { runCommand } from './run-command.ts'

/** A base backup of the ledger's primary, as the keeper of the vault would take it: on its host. Returns the id of the snapshot. */
export async function backUpLedger(
  state: LabState,
  network: LabNetwork,
  ledgerPassword: string,
): Promise<string> {
  const { store, writer } = vaultPaths(state.directory)
  const { estate } = hostPaths(state.directory, 'vlt')
  const command = ['vault', 'backup', '--store', store, '--writer', `file:${writer}`]
  const of = ['--estate', estate, '--component', 'ledger', '--json']
  const argv = network.argvOn('vlt', [process.execPath, productProgram, ...command, ...of])
  const { code, stdout, stderr } = await runCommand(argv, { [labPasswordVariable]: ledgerPassword })
  if (code === 0) return (JSON.parse(stdout) as { readonly snapshot: string }).snapshot
  throw new RecoveryError({
    code: 'LAB_COMMAND_FAILED',
    class: 'permanent',
    message: `pointzero ${command.join(' ')} ended with ${code}: ${(stdout || stderr).trim().slice(0, 2000)}`,
    hint: `read ${state.directory}/logs/vlt-agent.log`,
  })
}
