import { basename } from 'node:path'
import type { LabHostName } from './lab-host.ts'
import type { LabState } from './lab-state.ts'
import { allPids, argumentsOf, environmentOf, startOfProcess, workingDirectoryOf } from './process-table.ts'

/**
 * Processes that carry the lab's marks in their environment, and PostgreSQL's below the host's directory (it may have been started
 * with another environment; its working directory is its data). Never the caller, never a shell that merely stands there.
 */
export function markedPids(
  state: LabState,
  { host, directory }: { readonly host?: LabHostName; readonly directory: string },
): readonly number[] {
  const mark = host === undefined ? `POINTZERO_LAB=${state.instance}` : `POINTZERO_LAB_HOST=${host}`
  return allPids().filter((pid) => {
    if (pid === process.pid || startOfProcess(pid) === undefined) return false
    const environment = environmentOf(pid)
    if (environment.includes(`POINTZERO_LAB=${state.instance}`)) return environment.includes(mark)
    const [program = ''] = argumentsOf(pid)
    if (!/^postgres(:|$)/.test(basename(program))) return false
    return workingDirectoryOf(pid)?.startsWith(`${directory}/`) === true
  })
}
