import { join } from 'node:path'
import { authorityVariable } from './database-tls.ts'
import type { Lab } from './lab.ts'
import { labDatabase } from './lab-estate.ts'
import { zoneHostNames } from './lab-host.ts'
import type { LabHostName } from './lab-host.ts'
import { evidenceDirectory, workloadProgram } from './lab-paths.ts'
import { labPorts } from './lab-ports.ts'
import { startLabProcess, stopLabProcess } from './lab-process.ts'
import type { LabProcess } from './lab-process.ts'

/** Ends every client in order, so that its log ends with its last outcome. */
export type StopWorkload = () => Promise<void>

const stopGraceMs = 5_000

/**
 * Orders through the gate to the matching engine, rows through the gate to the primary, and a prober beside every member. `turn` ends the names
 * of their logs and runs, so that the same clients can come once more.
 */
export async function startWorkload(lab: Lab, seed: number, turn = ''): Promise<StopWorkload> {
  const at = (host: LabHostName, port: number): string => `${lab.network.addressOf(host)}:${port}`
  const processes: LabProcess[] = []
  const start = async (
    host: LabHostName,
    name: string,
    program: string,
    args: readonly string[],
  ): Promise<void> => {
    const log = join(evidenceDirectory(lab.state.directory), `${name}${turn}.client.jsonl`)
    const command = [process.execPath, workloadProgram(program), '--log', log, '--host', host, ...args]
    const environment = { PGPASSWORD: lab.ledgerPassword, [authorityVariable]: lab.authorityFile }
    processes.push(
      await startLabProcess(lab.state, { name, host, argv: lab.network.argvOn(host, command), environment }),
    )
  }
  const database = ['--database', labDatabase.database, '--user', labDatabase.user]
  await start('client', 'orders', 'order-gateway-main', [
    '--to',
    at('client', labPorts.ordersGate),
    '--seed',
    `${seed}`,
  ])
  await start('client', 'rows', 'sql-writer-main', ['--to', at('client', labPorts.ledgerGate), ...database])
  for (const zone of zoneHostNames) {
    const target = ['--as', 'zone-prober', '--to', at(zone, labPorts.postgres), '--run', `p${zone}`]
    await start(zone, `prober-${zone}`, 'sql-writer-main', [...target, ...database])
  }
  return async () => {
    await Promise.all(processes.map(async (one) => stopLabProcess(one, stopGraceMs)))
  }
}
