import { readFile, readlink } from 'node:fs/promises'
import type { SandboxNetwork } from '../../ports/isolated-database.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { runProgram } from './run-program.ts'

/**
 * What is put in front of a server so that it runs as the server's user in a network namespace of its own, where there is nothing but a loopback
 * interface that is down. Each program becomes the next, so the pid stays. `undefined` where this process may not make one: not root, no util-linux.
 */
export async function networkOfItsOwn({
  name,
  runAs,
}: Pick<PostgresMemberConfig, 'name' | 'runAs'>): Promise<readonly string[] | undefined> {
  if (runAs === undefined) return undefined
  const drop = ['setpriv', `--reuid=${runAs.uid}`, `--regid=${runAs.gid}`, '--clear-groups', '--']
  const argv = ['unshare', '--net', '--', ...drop]
  const [program = '', ...args] = argv
  try {
    const { exitCode } = await runProgram({ name, binDirectory: '/usr/bin' }, program, [...args, 'true'])
    return exitCode === 0 ? argv : undefined
  } catch {
    // There is no such program: the copy runs without, and its report says so.
    return undefined
  }
}

/** As the kernel sees the process, not as it was asked for. */
export async function networkOf(pid: number): Promise<SandboxNetwork> {
  const [own, seen, devices] = await Promise.all([
    readlink('/proc/self/ns/net').catch(() => ''),
    readlink(`/proc/${pid}/ns/net`).catch(() => ''),
    readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => ''),
  ])
  const interfaces = devices.split('\n').flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? [])
  const isApart = own !== '' && seen !== '' && own !== seen
  return { contained: isApart && interfaces.every((one) => one === 'lo'), interfaces }
}
