import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../domain/recovery-error.ts'
import { labPasswordVariable } from './lab-estate.ts'
import type { LabNetwork } from './lab-network.ts'
import { hostPaths, productProgram, vaultPaths } from './lab-paths.ts'
import type { LabState } from './lab-state.ts'
import { runCommand } from './run-command.ts'

const attempts = 5
const pauseMs = 2_000

/** A base backup of the ledger's primary, as the keeper of the vault would take it: on its host. Returns the id of the snapshot. */
export async function backUpLedger(
  state: LabState,
  network: LabNetwork,
  ledgerPassword: string,
): Promise<string> {
  const { store, writer } = vaultPaths(state.directory)
  const { estate, tls } = hostPaths(state.directory, 'vlt')
  const command = ['vault', 'backup', '--store', store, '--writer', `file:${writer}`]
  const of = ['--estate', estate, '--component', 'ledger', '--json']
  const verified = ['--tls', 'verify-full', '--tls-authority', tls.ca]
  const argv = network.argvOn('vlt', [process.execPath, productProgram, ...command, ...of, ...verified])
  const environment = { [labPasswordVariable]: ledgerPassword }
  let { code, stdout, stderr } = await runCommand(argv, environment)
  // On a machine that is short of breath the primary may change in the middle of a copy: what broke off counts for nothing.
  for (let again = 1; again < attempts && /"class":"transient"/.test(stdout + stderr); again += 1) {
    await sleep(pauseMs)
    ;({ code, stdout, stderr } = await runCommand(argv, environment))
  }
  if (code === 0) return (JSON.parse(stdout) as { readonly snapshot: string }).snapshot
  throw new RecoveryError({
    code: 'LAB_COMMAND_FAILED',
    class: 'permanent',
    message: `pointzero ${command.join(' ')} ended with ${code}: ${(stdout || stderr).trim().slice(0, 2000)}`,
    hint: `read ${state.directory}/logs/vlt-agent.log`,
  })
}
