import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../../domain/recovery-error.ts'
import type { LabHostName } from '../lab-host.ts'
import type { LabNetwork } from '../lab-network.ts'
import { signalProcess, startOfProcess } from '../process-table.ts'

export const faultNames = [
  'kill-zone',
  'power-off-zone',
  'cut-link',
  'one-way-in',
  'one-way-out',
  'stop-zone',
  'kill-postmaster',
  'block-pair',
] as const
export type FaultName = (typeof faultNames)[number]

export interface FaultPlace {
  readonly network: LabNetwork
  /** The lab's own directory. */
  readonly directory: string
  readonly host: LabHostName
  /** Of `block-pair`. */
  readonly peer?: LabHostName
}

/** Ends the fault. Absent where nothing can be taken back: the dead stay dead until somebody starts them. */
export interface Fault {
  readonly processes: number
  readonly end?: () => Promise<void>
}

/** Done to the machine; nothing of the product is told. */
export async function inject(name: FaultName, place: FaultPlace): Promise<Fault> {
  const { network, host } = place
  const heal = async (): Promise<void> => await network.heal(host)
  switch (name) {
    case 'kill-zone':
      return { processes: await killAll(place) }
    // The link first: nobody hears the kernel of the dying host say goodbye.
    case 'power-off-zone':
      await network.cut(host)
      return { processes: await killAll(place), end: heal }
    case 'cut-link':
      await network.cut(host)
      return { processes: 0, end: heal }
    case 'one-way-in':
      await network.cutOneWay(host, 'in')
      return { processes: 0, end: heal }
    case 'one-way-out':
      await network.cutOneWay(host, 'out')
      return { processes: 0, end: heal }
    case 'stop-zone':
      return await stopAll(place)
    case 'kill-postmaster':
      return { processes: killPostmaster(place) }
    case 'block-pair':
      await network.block(host, place.peer ?? 'ctl')
      return { processes: 0, end: heal }
  }
}

/** Until nobody is left: one that forked while the list was read dies in the next turn. */
async function killAll({ network, host }: FaultPlace): Promise<number> {
  let killed = 0
  for (let turn = 0; turn < 50; turn++) {
    const pids = (await network.pids(host)).filter((pid) => startOfProcess(pid) !== undefined)
    if (pids.length === 0) return killed
    killed += pids.filter((pid) => signalProcess(pid, 'SIGKILL')).length
    await sleep(20)
  }
  return killed
}

/** All of them freeze, and wake up later believing that no time has passed. */
async function stopAll({ network, host }: FaultPlace): Promise<Fault> {
  const stopped = new Map<number, string | undefined>()
  for (let turn = 0; turn < 3; turn++) {
    for (const pid of await network.pids(host)) {
      if (stopped.has(pid) || !signalProcess(pid, 'SIGSTOP')) continue
      stopped.set(pid, startOfProcess(pid))
    }
  }
  const end = async (): Promise<void> => {
    for (const [pid, start] of stopped) if (startOfProcess(pid) === start) signalProcess(pid, 'SIGCONT')
  }
  return { processes: stopped.size, end }
}

/** Its first line is the process; its children notice and end by themselves. */
function killPostmaster({ directory, host }: FaultPlace): number {
  const files = globSync(join(directory, host, '**', 'postmaster.pid'))
  const pids = files.map((file) => Number(readFileSync(file, 'utf8').split('\n')[0]))
  const killed = pids.filter((pid) => startOfProcess(pid) !== undefined && signalProcess(pid, 'SIGKILL'))
  if (killed.length > 0) return killed.length
  throw new RecoveryError({
    code: 'LAB_NO_POSTMASTER',
    class: 'permanent',
    message: `no postmaster runs on ${host}`,
    hint: '`pointzero lab status` shows what runs where',
  })
}
