import { join } from 'node:path'
import type { LabHostName } from './lab-host.ts'

/** The product's own root: the read-only code that hosts do share. */
export const productRoot = join(import.meta.dirname, '..', '..')

export const productProgram = join(productRoot, 'src', 'cli', 'main.ts')

export function workloadProgram(name: string): string {
  return join(productRoot, 'src', 'lab', 'workload', `${name}.ts`)
}

/** What belongs to one host, and to no other. */
export interface HostPaths {
  readonly directory: string
  readonly config: string
  readonly estate: string
  readonly state: string
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly data: string
  readonly sockets: string
  readonly canaryKey: string
}

export function hostPaths(labDirectory: string, host: LabHostName): HostPaths {
  const directory = join(labDirectory, host)
  const inside = (name: string): string => join(directory, name)
  return {
    directory,
    config: inside(host === 'ctl' ? 'serve.json' : 'agent.json'),
    estate: inside('estate.yaml'),
    state: inside('state'),
    tls: { ca: inside('ca.pem'), cert: inside('cert.pem'), key: inside('key.pem') },
    data: join(directory, 'postgres', 'data'),
    sockets: join(directory, 'postgres', 'sockets'),
    canaryKey: inside('canary-key'),
  }
}

/** What the host `vlt` keeps, and nobody else. */
export interface VaultPaths {
  readonly store: string
  readonly archive: string
  readonly pin: string
  readonly writer: string
}

export function vaultPaths(labDirectory: string): VaultPaths {
  const inside = (name: string): string => join(labDirectory, 'vlt', name)
  return {
    store: inside('vault'),
    archive: inside('archive'),
    pin: inside('vault.pin.json'),
    writer: inside('writer.json'),
  }
}

export type LabPerson = 'operator' | 'approver'

/** What `--context` takes: how that person reaches the lab's control plane. */
export function personContext(labDirectory: string, person: LabPerson): string {
  return join(labDirectory, 'people', person, 'context.json')
}

/** Raw logs of clients, `*.client.jsonl`. */
export function evidenceDirectory(labDirectory: string): string {
  return join(labDirectory, 'evidence')
}

/** What was done to the lab, and when. */
export function faultLogFile(labDirectory: string): string {
  return join(evidenceDirectory(labDirectory), 'faults.jsonl')
}

/** The same of a corruption, apart: the checker judges one disaster at a time. */
export function corruptionLogFile(labDirectory: string): string {
  return join(evidenceDirectory(labDirectory), 'corruption.jsonl')
}
