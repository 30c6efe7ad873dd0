import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ZoneHostName } from '../lab-host.ts'
import { hostPaths } from '../lab-paths.ts'
import { allPids, signalProcess, workingDirectoryOf } from '../process-table.ts'

/** The data directory of every member, as a slipped hand or a bad volume takes it; nothing of the product is told. */
export const destroyDataFault = 'destroy-data'

/**
 * First the names, so that no agent starts a server on what is being removed; then the servers; then the files. In the order of the hosts given, without
 * a pause: the standbys must not outlive the primary for long, nor the other way round.
 */
export async function destroyData(labDirectory: string, hosts: readonly ZoneHostName[]): Promise<number> {
  const doomed = hosts
    .map((host) => hostPaths(labDirectory, host).data)
    .filter((data) => existsSync(data))
    .map((data) => ({ data, postmaster: postmasterOf(data), removed: `${data}.removed` }))
  for (const { data, removed } of doomed) renameSync(data, removed)
  for (const { postmaster } of doomed) if (postmaster !== undefined) signalProcess(postmaster, 'SIGKILL')
  // Its children notice and end; whoever does not is helped.
  const places = new Set(doomed.map(({ removed }) => removed))
  for (let turn = 0; turn < 50; turn++) {
    const left = allPids().filter((pid) => places.has(workingDirectoryOf(pid) ?? ''))
    if (left.length === 0) break
    for (const pid of left) signalProcess(pid, 'SIGKILL')
    await sleep(20)
  }
  for (const { removed } of doomed) rmSync(removed, { recursive: true, force: true })
  return doomed.length
}

function postmasterOf(data: string): number | undefined {
  const file = `${data}/postmaster.pid`
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : Number.NaN
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}
