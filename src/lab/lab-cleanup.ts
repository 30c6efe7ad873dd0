import { existsSync, globSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../domain/recovery-error.ts'
import { recordedProcesses, signalGroup } from './lab-process.ts'
import { labNetwork } from './lab-network.ts'
import type { LabState } from './lab-state.ts'
import { markedPids } from './marked-pids.ts'
import { signalProcess } from './process-table.ts'
import { runCommand } from './run-command.ts'

export interface CleanupOptions {
  /** Keeps the lab's directory: logs, data, evidence. */
  readonly keepFiles: boolean
}

/** Removes everything that the lab made, running or crashed: processes, shared memory, links, namespaces, files. Idempotent. */
export async function removeLab(state: LabState, { keepFiles }: CleanupOptions): Promise<void> {
  const network = labNetwork(state, {
    kind: state.network,
    linkFaults: false,
    packetFilter: 'none',
    missing: [],
  })
  const remaining = async (): Promise<readonly number[]> => {
    const onHosts = await Promise.all(state.hosts.map(async ({ name }) => await network.pids(name)))
    return [...new Set([...onHosts.flat(), ...markedPids(state, { directory: state.directory })])]
  }
  for (const recorded of recordedProcesses(state)) signalGroup(recorded, 'SIGKILL')
  await killAll(remaining)
  await removeSharedMemory(state)
  await network.down()
  if (keepFiles) rmSync(join(state.directory, 'processes'), { recursive: true, force: true })
  else rmSync(state.directory, { recursive: true, force: true })
}

/** Repeats, because a process may fork while the list is walked. */
async function killAll(remaining: () => Promise<readonly number[]>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const pids = await remaining()
    if (pids.length === 0) return
    for (const pid of pids) signalProcess(pid, 'SIGKILL')
    await sleep(50)
  }
  throw new RecoveryError({
    code: 'LAB_PROCESS_REMAINS',
    class: 'permanent',
    message: `processes of the lab did not end: ${(await remaining()).join(', ')}`,
    hint: 'look at them with `ps`, end them, and run it again',
  })
}

/**
 * A killed postmaster leaves its System V segment, which no namespace holds; line 7 of postmaster.pid names it. Only a
 * segment that nobody is attached to is removed.
 */
async function removeSharedMemory({ directory }: LabState): Promise<void> {
  const table = existsSync('/proc/sysvipc/shm') ? readFileSync('/proc/sysvipc/shm', 'utf8').split('\n') : []
  const unattached = new Set(
    table.map((line) => line.trim().split(/\s+/)).flatMap((row) => (row[6] === '0' ? [row[1]] : [])),
  )
  for (const file of globSync(join(directory, '*', '**', 'postmaster.pid'))) {
    const segment = readFileSync(file, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1]
    if (unattached.has(segment)) await runCommand(['ipcrm', '-m', segment ?? ''])
  }
}
