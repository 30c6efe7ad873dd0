import { globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Judgement } from '../../../src/lab/checker/judgement.ts'
import { readRawLog } from '../../../src/lab/checker/raw-log.ts'
import type { Attempt, RawLog } from '../../../src/lab/checker/raw-log.ts'
import { authorityVariable } from '../../../src/lab/database-tls.ts'
import { openFaultLog } from '../../../src/lab/faults/fault-log.ts'
import { inject } from '../../../src/lab/faults/fault.ts'
import type { Fault, FaultName } from '../../../src/lab/faults/fault.ts'
import { labDatabase } from '../../../src/lab/lab-estate.ts'
import { zoneHostNames } from '../../../src/lab/lab-host.ts'
import type { LabHostName, ZoneHostName } from '../../../src/lab/lab-host.ts'
import { evidenceDirectory, productRoot, workloadProgram } from '../../../src/lab/lab-paths.ts'
import { labPorts } from '../../../src/lab/lab-ports.ts'
import { startLabProcess, stopLabProcess } from '../../../src/lab/lab-process.ts'
import type { LabProcess } from '../../../src/lab/lab-process.ts'
import { runCommand } from '../../../src/lab/run-command.ts'
import { stamps } from '../../../src/lab/workload/client-log.ts'
import type { Bench } from './bench.ts'
import { until } from './bench.ts'

/** Clients of one test, and what was done to the estate meanwhile. */
export interface Clients {
  readonly directory: string
  /** Done to the machine at once; the checker is told, the product is not. */
  strike(fault: FaultName, host: LabHostName): Promise<Fault>
  logs(): readonly RawLog[]
  /** At least so many rows written through the gate were acknowledged from now on. */
  acknowledged(count: number, timeoutMs?: number): Promise<void>
  /** Ends all of them in order. */
  stop(): Promise<void>
}

export interface ClientOptions {
  /** Orders through the matching engine. */
  readonly orders?: boolean
  /** Rows through the ledger's gate; 0 for none. */
  readonly rowEveryMs?: number
  /** Writers beside members, past every gate: they see two primaries where there are two. */
  readonly probers?: readonly ZoneHostName[]
}

const stopGraceMs = 15_000

export async function startClients(
  bench: Bench,
  name: string,
  { orders = true, rowEveryMs = 50, probers = zoneHostNames }: ClientOptions = {},
): Promise<Clients> {
  const { state, network, ledgerPassword, authorityFile } = bench.lab
  const directory = join(evidenceDirectory(state.directory), name)
  mkdirSync(directory)
  const at = (host: LabHostName, port: number): string => `${network.addressOf(host)}:${port}`
  const processes: LabProcess[] = []
  const start = async (host: LabHostName, client: string, program: string, args: readonly string[]) => {
    const log = join(directory, `${client}.client.jsonl`)
    const argv = [process.execPath, workloadProgram(program), '--log', log, '--host', host, ...args]
    const environment = { PGPASSWORD: ledgerPassword, [authorityVariable]: authorityFile }
    const onHost = network.argvOn(host, argv)
    processes.push(
      await startLabProcess(state, { name: `${name}-${client}`, host, argv: onHost, environment }),
    )
  }
  const database = ['--database', labDatabase.database, '--user', labDatabase.user]
  if (orders) {
    const pace = ['--clients', '2', '--think-ms', '100', '--seed', String(1 + directory.length)]
    await start('client', 'orders', 'order-gateway-main', [
      '--to',
      at('client', labPorts.ordersGate),
      ...pace,
    ])
  }
  if (rowEveryMs > 0) {
    const to = ['--to', at('client', labPorts.ledgerGate), '--interval-ms', String(rowEveryMs)]
    await start('client', 'rows', 'sql-writer-main', [...to, ...database])
  }
  for (const zone of probers) {
    const target = ['--as', 'zone-prober', '--to', at(zone, labPorts.postgres), '--run', `p${zone}`]
    await start(zone, `prober-${zone}`, 'sql-writer-main', [...target, '--interval-ms', '100', ...database])
  }
  return {
    directory,
    async strike(fault, host) {
      const log = openFaultLog(faultLogOf(directory))
      const entry = { fault, target: host, seed: 0 }
      log.write({ event: 'beginning', ...entry })
      const struck = await inject(fault, { network, directory: state.directory, host })
      log.write({ event: 'began', ...entry, processes: struck.processes })
      return struck
    },
    logs: () => logsIn(directory),
    async acknowledged(count, timeoutMs) {
      const from = stamps().monoMs
      await until(
        `${count} rows acknowledged`,
        async () =>
          rowsOf(logsIn(directory)).filter((row) => isAcked(row) && row.sentMs > from).length >= count,
        timeoutMs,
      )
    },
    stop: async () => void (await Promise.all(processes.map((one) => stopLabProcess(one, stopGraceMs)))),
  }
}

export function isAcked({ outcome }: Attempt): boolean {
  return outcome === 'acked'
}

/** Attempts of the writer that goes through the gate. */
export function rowsOf(logs: readonly RawLog[]): readonly Attempt[] {
  return logs.filter(({ client }) => client === 'raw-writer').flatMap(({ attempts }) => attempts)
}

/** Monotonic stamp at which the fault was in force. */
export function faultBeganMs({ directory }: Clients): number {
  const lines = readFileSync(faultLogOf(directory), 'utf8').trim().split('\n')
  const entries = lines.map((line) => JSON.parse(line) as { readonly event: string; readonly monoMs: number })
  return entries.find(({ event }) => event === 'began')?.monoMs ?? Number.NaN
}

function logsIn(directory: string): readonly RawLog[] {
  return globSync(join(directory, '*.client.jsonl')).map(readRawLog)
}

function faultLogOf(directory: string): string {
  return join(directory, 'faults.jsonl')
}

export interface Asked {
  readonly clients: readonly Clients[]
  readonly primary: LabHostName
  /** The engine must have reached the state of an uncrashed twin. */
  readonly engine?: boolean
  readonly hasFault?: boolean
}

/** The independent checker, in a process of its own. The clients must have stopped. */
export async function judge(bench: Bench, asked: Asked): Promise<Judgement> {
  const { lab } = bench
  const [first] = asked.clients
  if (first === undefined) throw new Error('nobody to judge')
  const report = join(first.directory, 'judgement.json')
  const address = lab.network.addressOf(asked.primary)
  const logs = asked.clients.flatMap(({ directory }) => globSync(join(directory, '*.client.jsonl')))
  const result = await runCommand([
    ...['/usr/bin/env', `PGPASSWORD=${lab.ledgerPassword}`, `${authorityVariable}=${lab.authorityFile}`],
    ...lab.network.argvOn('client', [process.execPath, join(productRoot, 'src/lab/checker/checker-main.ts')]),
    ...logs.flatMap((log) => ['--log', log]),
    ...['--database', `${address}:${labPorts.postgres}`],
    ...['--database-name', labDatabase.database, '--user', labDatabase.user, '--json', report],
    ...(asked.engine === false ? [] : ['--engine', `${address}:${labPorts.engine}`]),
    ...(asked.hasFault === true ? ['--fault-log', faultLogOf(first.directory)] : []),
  ])
  if ([0, 1, 3].includes(result.code)) return JSON.parse(readFileSync(report, 'utf8')) as Judgement
  throw new Error(`the checker ended with ${result.code}: ${result.stderr}`)
}
