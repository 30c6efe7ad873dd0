import { personContext } from '../lab/lab-paths.ts'
import { findLabs } from '../lab/lab-state.ts'
import type { LabState } from '../lab/lab-state.ts'
import { labDown, labStatus, labUp, theOneLab } from '../lab/lab.ts'
import type { LabOptions } from '../lab/lab.ts'
import type { LabCommandOptions } from './commands/lab.ts'
import { textTable } from './render/text-table.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'

export async function bringLabUp(terminal: Terminal, options: LabCommandOptions): Promise<void> {
  const { state } = await labUp({
    ...labChoice(options),
    backup: options.backup === true,
    progress: (line) => terminal.note(`${line}\n`),
  })
  if (options.json === true) {
    terminal.write(`${JSON.stringify(overview(state))}\n`)
    return
  }
  terminal.write(`export POINTZERO_CONTEXT=${personContext(state.directory, 'operator')}\n`)
  terminal.note(`its end: pointzero lab down --directory ${state.directory}\n`)
}

export async function takeLabDown(terminal: Terminal, options: LabCommandOptions): Promise<void> {
  const directories = options.all === true ? findLabs() : [options.directory ?? theOneLab()]
  for (const directory of directories) {
    await labDown(directory, { keepFiles: options.keepFiles === true })
    if (options.json !== true) terminal.write(`${directory}: nothing of it is left${kept(options)}\n`)
  }
  if (options.json === true) terminal.write(`${JSON.stringify({ removed: directories })}\n`)
}

export function showLab(terminal: Terminal, options: LabCommandOptions): void {
  const { state, processes } = labStatus(options.directory ?? theOneLab())
  if (options.json === true) {
    terminal.write(`${JSON.stringify({ ...overview(state), processes })}\n`)
    return
  }
  terminal.write(`${state.directory}: ${state.network} in ${state.subnet}.0/24\n`)
  const rows = processes.map(({ name, pid, running }) => [name, String(pid), running ? 'running' : 'ended'])
  terminal.write(textTable(['PROCESS', 'PID', 'STATE'], rows))
}

/** What of the lab's options a command line chooses. */
export function labChoice({ postgres, network, keep }: LabCommandOptions): Omit<LabOptions, 'progress'> {
  return {
    ...(postgres === undefined ? {} : { postgres: chosen('--postgres', postgres, ['system', 'embedded']) }),
    ...(network === undefined ? {} : { network: chosen('--network', network, ['namespaces', 'loopback']) }),
    keep: keep === true,
  }
}

function chosen<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text)
  if (found !== undefined) return found
  throw usageError(
    `${option} ${text} is not one of ${allowed.join(', ')}`,
    'leave it out to take what works here',
  )
}

function overview({ directory, network, subnet, instance }: LabState) {
  const contexts = {
    operator: personContext(directory, 'operator'),
    approver: personContext(directory, 'approver'),
  }
  return { instance, directory, network, subnet, contexts }
}

function kept({ keepFiles }: LabCommandOptions): string {
  return keepFiles === true ? ' but its files' : ''
}
