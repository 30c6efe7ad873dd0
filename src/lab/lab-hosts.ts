import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../domain/recovery-error.ts'
import { labPasswordVariable } from './lab-estate.ts'
import type { LabHostName } from './lab-host.ts'
import type { LabNetwork } from './lab-network.ts'
import { hostPaths, productProgram } from './lab-paths.ts'
import { isRunning, logFileOf, startLabProcess } from './lab-process.ts'
import type { LabProcess } from './lab-process.ts'
import type { LabState } from './lab-state.ts'

const startTimeoutMs = 20_000

/** `pointzero serve` on the control plane's host, `pointzero agent` on every other; again after a fault killed them. */
export async function startHost(
  state: LabState,
  network: LabNetwork,
  host: LabHostName,
  ledgerPassword: string,
): Promise<LabProcess> {
  const command = host === 'ctl' ? 'serve' : 'agent'
  const { config } = hostPaths(state.directory, host)
  const name = `${host}-${command}`
  const before = countListening(logFileOf(state, name))
  const recorded = await startLabProcess(state, {
    name,
    host,
    argv: network.argvOn(host, [process.execPath, productProgram, command, '--config', config]),
    // The second is what the launcher says.
    environment: { [labPasswordVariable]: ledgerPassword, MALLOC_ARENA_MAX: '2' },
  })
  await untilListening(recorded, before)
  return recorded
}

/** Each says so in a line of its own; earlier starts have left theirs in the same log. */
async function untilListening(recorded: LabProcess, before: number): Promise<void> {
  for (const deadline = performance.now() + startTimeoutMs; performance.now() < deadline; await sleep(50)) {
    if (countListening(recorded.logFile) > before) return
    if (!isRunning(recorded)) break
  }
  const lastLines = readFileSync(recorded.logFile, 'utf8').trim().split('\n').slice(-3).join(' | ')
  throw new RecoveryError({
    code: 'LAB_PROCESS_NOT_UP',
    class: 'permanent',
    message: `${recorded.name} did not come up: ${lastLines}`,
    hint: `read ${recorded.logFile}`,
  })
}

function countListening(logFile: string): number {
  return existsSync(logFile) ? readFileSync(logFile, 'utf8').split('"listening"').length - 1 : 0
}
