import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { RecoveryError } from '../domain/recovery-error.ts'
import { labPorts } from './lab-ports.ts'

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Servers run as somebody else when the lab was started by root: each folder above the lab's must let them through. */
export function requireReachable(directory: string, user: Owner | undefined): void {
  if (user === undefined) return
  for (let folder = directory; ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder)
    const enter = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & enter) === 0) throw unreachable(folder, user)
    if (folder === dirname(folder)) return
  }
}

/** On loopback addresses a server of this machine that listens everywhere is in the way. One address stands for all of them. */
export async function requireFreePorts(address: string): Promise<void> {
  for (const port of Object.values(labPorts)) {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, address, () => server.close(() => resolve(undefined)))
    const problem = await promise
    if (problem !== undefined) throw portTaken(address, port, problem)
  }
}

function unreachable(folder: string, { uid }: Owner): RecoveryError {
  return new RecoveryError({
    code: 'LAB_DIRECTORY_CLOSED',
    class: 'refused',
    message: `${folder} lets nobody else in, and PostgreSQL, which refuses to be root, runs as user ${uid} below it`,
    hint: 'name a place for temporary files that everybody may enter, TMPDIR=/tmp, or start it as another user',
  })
}

function portTaken(address: string, port: number, problem: string): RecoveryError {
  return new RecoveryError({
    code: 'LAB_PORT_TAKEN',
    class: 'refused',
    message: `port ${port} can not be used on ${address} (${problem})`,
    hint:
      problem === 'EADDRNOTAVAIL'
        ? 'the lab needs Linux, where every address of 127.0.0.0/8 is there'
        : 'end what listens on every address, or start the lab as root on Linux: each host then has addresses of its own',
  })
}
