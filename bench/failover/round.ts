import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { findDualConfirms, findDualRoles } from '../../src/lab/checker/confirming-primaries.ts'
import type { RawLog } from '../../src/lab/checker/raw-log.ts'
import { databaseTls } from '../../src/lab/database-tls.ts'
import { inject } from '../../src/lab/faults/fault.ts'
import type { FaultName } from '../../src/lab/faults/fault.ts'
import type { ZoneHostName } from '../../src/lab/lab-host.ts'
import { stamps } from '../../src/lab/workload/client-log.ts'
import { startClients } from './clients.ts'
import type { Contender, Moment } from './contender.ts'

export const benchFaults = ['zone-kill', 'partition', 'postmaster-kill', 'switchover'] as const
export const zoneFaults: readonly BenchFault[] = ['zone-kill', 'partition']
export type BenchFault = (typeof benchFaults)[number]

const injected: Readonly<Record<Exclude<BenchFault, 'switchover'>, FaultName>> = {
  'zone-kill': 'kill-zone',
  partition: 'cut-link',
  'postmaster-kill': 'kill-postmaster',
}

export interface RoundFigures {
  readonly fault: BenchFault
  /** The longest hole between two confirmed writes of the outside writer, from just before the fault on. */
  readonly gapMs: number
  /** From the fault to the write that ended that hole. */
  readonly recoveredMs: number
  readonly acknowledged: number
  /** Writes that a client was told are durable, and that the surviving primary does not have. */
  readonly lost: number
  /** Times that an older primary confirmed after a newer one had. */
  readonly dualConfirms: number
  /** How long two members both said that they are primary: stale reads are possible then, losses are not. */
  readonly dualRoleMs: number
  /** Steps of the contender, from the fault. */
  readonly timeline: readonly Moment[]
}

const calmMs = 500
/** The fault comes at any moment of the contender's own intervals. */
const phaseMs = 1_000
/** Confirmed writes for this long after the hole: it is over. */
const steadyMs = 1_500
const holeMinMs = 100
const roundLimitMs = 150_000

/** One fault against a settled contender, and everything settled again afterwards. */
export async function playRound(
  contender: Contender,
  fault: BenchFault,
  round: string,
): Promise<RoundFigures> {
  await contender.settled()
  const clients = await startClients(contender, round)
  try {
    await untilWriting(clients.writer)
    await sleep(calmMs + Math.random() * phaseMs)
    const primary = await contender.settled()
    const { monoMs, wallMs } = stamps()
    const end = await strike(contender, fault, primary)
    await untilRecovered(clients.writer, monoMs)
    const timeline = (await contender.timeline?.()) ?? []
    await end()
    const survivor = await contender.settled()
    const logs = await clients.stop()
    const offsets = timeline.map(({ what, atMs }) => ({ what, atMs: atMs - wallMs }))
    return { fault, ...(await judge(contender, survivor, logs, monoMs)), timeline: offsets }
  } finally {
    await clients.stop()
  }
}

/** Returns what takes the fault back. */
async function strike(
  contender: Contender,
  fault: BenchFault,
  primary: ZoneHostName,
): Promise<() => Promise<void>> {
  if (fault === 'switchover') {
    await contender.switchOver(primary)
    return async () => {}
  }
  const { network, state } = contender.place
  const { end } = await inject(injected[fault], { network, directory: state.directory, host: primary })
  if (fault === 'zone-kill') return async () => await contender.revive(primary)
  return end ?? (async () => {})
}

async function untilWriting(read: () => RawLog): Promise<void> {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline; await sleep(200)) {
    if (acknowledgements([read()]).length > 20) return
  }
  throw new Error('the writer gets no write confirmed before any fault')
}

/** Either the hole ended and writes are confirmed again, or the round's limit is reached: then the hole is that long. */
async function untilRecovered(read: () => RawLog, faultMs: number): Promise<void> {
  for (const deadline = performance.now() + roundLimitMs; performance.now() < deadline; await sleep(250)) {
    const { monoMs } = stamps()
    const { gapMs, endMs } = longestHole([read()], faultMs, monoMs)
    const steady = monoMs - endMs
    if (steady > steadyMs && (gapMs > holeMinMs || steady > 10_000)) return
  }
}

async function judge(
  contender: Contender,
  survivor: ZoneHostName,
  logs: readonly RawLog[],
  faultMs: number,
): Promise<Omit<RoundFigures, 'fault' | 'timeline'>> {
  const writers = logs.filter(({ client }) => client === 'raw-writer')
  const attempts = logs.flatMap((log) => log.attempts)
  const acked = attempts.filter(({ outcome }) => outcome === 'acked')
  const there = await survivingIds(
    contender,
    survivor,
    logs.map(({ run }) => run),
  )
  const untilMs = Math.max(...writers.map(({ toMs }) => toMs))
  const { gapMs, endMs } = longestHole(writers, faultMs, untilMs)
  return {
    gapMs,
    recoveredMs: endMs - faultMs,
    acknowledged: acked.length,
    lost: acked.filter(({ id }) => !there.has(id)).length,
    dualConfirms: findDualConfirms(attempts).length,
    dualRoleMs: Math.max(
      0,
      ...findDualRoles(logs.flatMap(({ roles }) => roles)).map(({ overlapMs }) => overlapMs),
    ),
  }
}

function acknowledgements(logs: readonly RawLog[]): readonly number[] {
  return logs
    .flatMap(({ attempts }) => attempts)
    .flatMap(({ outcome, endMs }) => (outcome === 'acked' && endMs !== undefined ? [endMs] : []))
    .toSorted((a, b) => a - b)
}

/** A hole that began up to half a second before the fault counts; one that never ended is as long as the log. */
function longestHole(
  logs: readonly RawLog[],
  faultMs: number,
  untilMs: number,
): { readonly gapMs: number; readonly endMs: number } {
  const acks = acknowledgements(logs)
  let longest = { gapMs: 0, endMs: faultMs }
  for (const [index, fromMs] of acks.entries()) {
    const endMs = acks[index + 1] ?? untilMs
    if (endMs < faultMs || fromMs < faultMs - 500) continue
    if (endMs - fromMs > longest.gapMs) longest = { gapMs: endMs - fromMs, endMs }
  }
  return longest
}

async function survivingIds(
  { place, database }: Contender,
  host: ZoneHostName,
  runs: readonly string[],
): Promise<ReadonlySet<string>> {
  const { name, user, password, memberPort: port, authorityFile } = database
  const client = new Client({
    host: place.network.addressOf(host),
    port,
    database: name,
    user,
    password,
    ssl: databaseTls(authorityFile),
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', () => {}) // the query in flight fails with it
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string }>(
      `select run || '-' || id as id from exchange.raw_writes where run = any($1)
       union all select run || '-' || id from exchange.probes where run = any($1)`,
      [runs],
    )
    return new Set(rows.map(({ id }) => id))
  } finally {
    await client.end()
  }
}
