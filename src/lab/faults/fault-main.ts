// One fault, at a moment that only the seed knows, done to the machine: the product is told nothing, and neither are the clients.
// node src/lab/faults/fault-main.ts --directory LAB --fault kill-zone [--target az1] [--seed 7] [--end-after-ms 10000]
// node src/lab/faults/fault-main.ts --directory LAB --fault corrupt-any [--seed 7]
// node src/lab/faults/fault-main.ts --directory LAB --fault destroy-data [--seed 7]
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { authorityVariable, databaseTls } from '../database-tls.ts'
import { labDatabase } from '../lab-estate.ts'
import { isLabHostName, zoneHostNames } from '../lab-host.ts'
import type { LabHostName } from '../lab-host.ts'
import { faultLogFile } from '../lab-paths.ts'
import { labPorts } from '../lab-ports.ts'
import { labAt, theOneLab } from '../lab.ts'
import type { Lab } from '../lab.ts'
import { seededRandom } from '../seeded-random.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { parseCount } from '../workload/program-arguments.ts'
import { corrupt, corruptedTable, corruptionNames } from './corruption.ts'
import type { CorruptionName } from './corruption.ts'
import { destroyData, destroyDataFault } from './destroy-data.ts'
import { openFaultLog } from './fault-log.ts'
import type { FaultLog } from './fault-log.ts'
import { faultNames, inject } from './fault.ts'
import type { FaultName } from './fault.ts'
import { findPrimary } from './find-primary.ts'

type AnyFault = FaultName | CorruptionName | typeof destroyDataFault

const { values: given } = parseArgs({
  options: {
    directory: { type: 'string' },
    fault: { type: 'string', default: 'kill-zone' },
    target: { type: 'string', default: 'primary' },
    peer: { type: 'string', default: 'ctl' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'earliest-ms': { type: 'string', default: '2000' },
    'latest-ms': { type: 'string', default: '7000' },
    // 0: it is never taken back.
    'end-after-ms': { type: 'string', default: '0' },
    log: { type: 'string' },
  },
})

try {
  await main()
} catch (error) {
  if (!(error instanceof RecoveryError)) throw error
  process.stderr.write(`${error.code}: ${error.message}\nnext: ${error.hint}\n`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const lab = await labAt(given.directory ?? theOneLab())
  const seed = parseCount(given.seed, 'seed')
  const earliestMs = parseCount(given['earliest-ms'], 'earliest-ms')
  const random = seededRandom(seed)
  const fault = parseFault(given.fault, random)
  const spanMs = Math.max(1, parseCount(given['latest-ms'], 'latest-ms') - earliestMs)
  const delayMs = earliestMs + random.integer(spanMs)
  const endAfterMs = parseCount(given['end-after-ms'], 'end-after-ms')
  const log = openFaultLog(given.log ?? faultLogFile(lab.state.directory))
  log.write({ event: 'planned', fault, target: given.target, seed, delayMs })
  await sleep(delayMs)
  if (fault === destroyDataFault) {
    await destroyAll(lab, { log, seed, random })
    return
  }
  // Chosen as late as possible: the primary may have moved since.
  const host = given.target === 'primary' ? await primaryOf(lab) : parseHost(given.target)
  if (isCorruption(fault)) {
    await corruptLedger(lab, host, fault, { log, seed })
    return
  }
  const entry = { fault, target: host, seed }
  log.write({ event: 'beginning', ...entry })
  const place = { network: lab.network, directory: lab.state.directory, host, peer: parseHost(given.peer) }
  const { processes, end } = await inject(fault, place)
  log.write({ event: 'began', ...entry, processes })
  process.stdout.write(`${fault} on ${host} after ${delayMs} ms, ${processes} processes\n`)
  if (end === undefined || endAfterMs === 0) return
  await sleep(endAfterMs)
  await end()
  log.write({ event: 'ended', ...entry })
  process.stdout.write(`${fault} on ${host} ended after ${endAfterMs} ms\n`)
}

/** Whose directory goes first is the seed's. */
async function destroyAll(
  { state }: Lab,
  { log, seed, random }: { readonly log: FaultLog; readonly seed: number; readonly random: SeededRandom },
): Promise<void> {
  const hosts = zoneHostNames
    .map((host) => ({ host, place: random.fraction() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ host }) => host)
  const entry = { fault: destroyDataFault, target: hosts.join(','), seed }
  log.write({ event: 'beginning', ...entry })
  const processes = await destroyData(state.directory, hosts)
  log.write({ event: 'began', ...entry, processes })
  process.stdout.write(`${destroyDataFault} on ${entry.target}\n`)
}

async function corruptLedger(
  { network, ledgerPassword: password, authorityFile }: Lab,
  primary: LabHostName,
  fault: CorruptionName,
  { log, seed }: { readonly log: FaultLog; readonly seed: number },
): Promise<void> {
  const entry = { fault, target: corruptedTable, seed }
  log.write({ event: 'beginning', ...entry })
  await corrupt(fault, {
    host: network.addressOf(primary),
    port: labPorts.postgres,
    password,
    ssl: databaseTls(authorityFile),
    ...labDatabase,
  })
  log.write({ event: 'began', ...entry })
  process.stdout.write(`${fault} of ${corruptedTable}\n`)
}

async function primaryOf({ network, ledgerPassword, authorityFile }: Lab): Promise<LabHostName> {
  process.env['PGPASSWORD'] = ledgerPassword
  process.env[authorityVariable] = authorityFile
  const members = zoneHostNames.map((host) => {
    return { host, address: network.addressOf(host), port: labPorts.postgres, ...labDatabase }
  })
  return await findPrimary(members)
}

function parseFault(text: string, random: SeededRandom): AnyFault {
  if (text === destroyDataFault) return text
  if (text === 'corrupt-any') return corruptionNames[random.integer(corruptionNames.length)] ?? 'corrupt-drop'
  const names = [...faultNames, ...corruptionNames, destroyDataFault] as const
  const fault = names.find((name) => name === text)
  if (fault !== undefined) return fault
  throw usage(`there is no fault ${text}`, `name one of ${[...names, 'corrupt-any'].join(', ')}`)
}

function isCorruption(fault: AnyFault): fault is CorruptionName {
  return corruptionNames.some((name) => name === fault)
}

function parseHost(text: string): LabHostName {
  if (isLabHostName(text)) return text
  throw usage(`the lab has no host ${text}`, 'name az1, az2, az3, ctl or client')
}

function usage(message: string, hint: string): RecoveryError {
  return new RecoveryError({ code: 'USAGE', class: 'permanent', message, hint })
}
