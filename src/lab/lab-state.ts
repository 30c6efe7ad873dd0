import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { LabHost } from './lab-host.ts'

const labStateFormat = 'pointzero/lab/1'

/**
 * What a lab made on this machine, written before it is made: whoever finds a crashed lab's directory can remove all of it.
 * Processes are recorded beside it, one file each (see lab-process.ts).
 */
export interface LabState {
  readonly format: typeof labStateFormat
  /** Four characters; the prefix of everything this lab makes. */
  readonly instance: string
  readonly directory: string
  readonly network: 'namespaces' | 'loopback'
  /** The first three octets. */
  readonly subnet: string
  readonly hosts: readonly LabHost[]
}

const directoryPrefix = 'pointzero-lab-'

/** Traversable by the user that PostgreSQL runs as; what must stay private has a mode of its own. */
export function makeLabDirectory(instance: string): string {
  const directory = join(tmpdir(), `${directoryPrefix}${instance}`)
  mkdirSync(directory, { mode: 0o755 })
  return directory
}

export function writeLabState(state: Omit<LabState, 'format'>): LabState {
  const complete: LabState = { format: labStateFormat, ...state }
  const path = stateFile(state.directory)
  writeFileSync(`${path}.new`, `${JSON.stringify(complete, undefined, 2)}\n`)
  renameSync(`${path}.new`, path)
  return complete
}

export function readLabState(directory: string): LabState | undefined {
  if (!existsSync(stateFile(directory))) return undefined
  const state = JSON.parse(readFileSync(stateFile(directory), 'utf8')) as LabState
  if (state.format === labStateFormat) return state
  throw new RecoveryError({
    code: 'FORMAT_UNKNOWN',
    class: 'refused',
    message: `${stateFile(directory)}: format ${String(state.format)} is not ${labStateFormat}`,
    hint: 'use the release that started this lab to end it',
  })
}

/** Directories of labs on this machine, running or left behind. */
export function findLabs(): readonly string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(directoryPrefix))
    .map((name) => join(tmpdir(), name))
    .filter((directory) => existsSync(stateFile(directory)))
}

function stateFile(directory: string): string {
  return join(directory, 'lab.json')
}
