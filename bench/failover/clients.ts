import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { authorityVariable } from '../../src/lab/database-tls.ts'
import { readRawLog } from '../../src/lab/checker/raw-log.ts'
import type { RawLog } from '../../src/lab/checker/raw-log.ts'
import { zoneHostNames } from '../../src/lab/lab-host.ts'
import type { LabHostName } from '../../src/lab/lab-host.ts'
import { evidenceDirectory, workloadProgram } from '../../src/lab/lab-paths.ts'
import { startLabProcess, stopLabProcess } from '../../src/lab/lab-process.ts'
import type { LabProcess } from '../../src/lab/lab-process.ts'
import type { Contender } from './contender.ts'

const startMs = 20_000
const stopGraceMs = 5_000
const writeEveryMs = 20
/** Often enough to see a second primary that still confirms, seldom enough not to be the load. */
const probeEveryMs = 50

/** The same programs for every contender: one writer outside, through the way that clients have, and one prober beside each member. */
export interface Clients {
  /** What the writer has logged so far. */
  readonly writer: () => RawLog
  /** Ends them in order and reads all logs. */
  readonly stop: () => Promise<readonly RawLog[]>
}

export async function startClients({ place, database }: Contender, round: string): Promise<Clients> {
  const { state, network } = place
  const processes: LabProcess[] = []
  const logs: string[] = []
  const start = async (host: LabHostName, name: string, args: readonly string[]): Promise<void> => {
    const log = join(evidenceDirectory(state.directory), `${round}-${name}.client.jsonl`)
    const { name: databaseName, user, password, authorityFile } = database
    const common = ['--log', log, '--host', host, '--database', databaseName, '--user', user]
    const argv = network.argvOn(host, [
      process.execPath,
      workloadProgram('sql-writer-main'),
      ...common,
      ...args,
    ])
    logs.push(log)
    processes.push(
      await startLabProcess(state, {
        name: `${round}-${name}`,
        host,
        argv,
        environment: {
          PGPASSWORD: password,
          ...(authorityFile === undefined ? {} : { [authorityVariable]: authorityFile }),
        },
      }),
    )
  }
  await start('client', 'writer', ['--to', database.gate, '--interval-ms', `${writeEveryMs}`])
  for (const zone of zoneHostNames) {
    const to = `${network.addressOf(zone)}:${database.memberPort}`
    const pace = ['--interval-ms', `${probeEveryMs}`]
    await start(zone, `prober-${zone}`, ['--as', 'zone-prober', '--to', to, '--run', `p${zone}`, ...pace])
  }
  const [writerLog = ''] = logs
  await untilThere(logs)
  return {
    writer: () => readRawLog(writerLog),
    stop: async () => {
      await Promise.all(processes.map(async (one) => stopLabProcess(one, stopGraceMs)))
      return logs.filter((log) => existsSync(log)).map(readRawLog)
    },
  }
}

/** Each begins its log before it does anything else. */
async function untilThere(logs: readonly string[]): Promise<void> {
  for (const deadline = performance.now() + startMs; performance.now() < deadline; await sleep(50)) {
    if (logs.every((log) => existsSync(log) && statSync(log).size > 0)) return
  }
  throw new Error(`the clients did not start within ${startMs / 1_000} s`)
}
