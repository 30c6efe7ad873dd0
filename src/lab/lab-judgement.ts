import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ClientLogDigest, Measurements, RequestCount, UndoneWrites } from '../evidence/measurements.ts'
import type { CorruptionFigures, Finding, Judgement } from './checker/judgement.ts'
import { readRawLog } from './checker/raw-log.ts'
import type { Attempt } from './checker/raw-log.ts'
import type { ClientView } from './checker/recovery-time.ts'
import { authorityVariable } from './database-tls.ts'
import type { Lab } from './lab.ts'
import { labDatabase } from './lab-estate.ts'
import type { LabHostName } from './lab-host.ts'
import { evidenceDirectory, faultLogFile, productRoot } from './lab-paths.ts'
import { labPorts } from './lab-ports.ts'
import { runCommand } from './run-command.ts'
import { stamps } from './workload/client-log.ts'
import { RecoveryError } from '../domain/recovery-error.ts'

/** The independent checker, in a process of its own: it knows the raw logs and the surviving database, and nothing of the product. */
export async function judgeLab(
  lab: Lab,
  primary: LabHostName,
  rtoMs: number,
  faultLog = faultLogFile(lab.state.directory),
): Promise<Judgement> {
  const logs = evidenceDirectory(lab.state.directory)
  const report = join(logs, 'judgement.json')
  const address = lab.network.addressOf(primary)
  const result = await runCommand([
    ...['/usr/bin/env', `PGPASSWORD=${lab.ledgerPassword}`, `${authorityVariable}=${lab.authorityFile}`],
    ...lab.network.argvOn('client', [process.execPath, join(productRoot, 'src/lab/checker/checker-main.ts')]),
    ...['--logs', logs, '--database', `${address}:${labPorts.postgres}`],
    ...['--database-name', labDatabase.database, '--user', labDatabase.user],
    ...['--engine', `${address}:${labPorts.engine}`, '--fault-log', faultLog],
    ...['--rto-ms', String(rtoMs), '--json', report],
  ])
  if ([0, 1, 3].includes(result.code)) return JSON.parse(readFileSync(report, 'utf8')) as Judgement
  throw new RecoveryError({
    code: 'LAB_NOT_JUDGED',
    class: 'permanent',
    message: `the checker ended with ${result.code}: ${result.stderr.trim().slice(-2000)}`,
    hint: `look at the raw logs in ${logs}`,
  })
}

/** The checker's figures as evidence carries them. Its stamps are monotonic; here they become wall time of the same machine. */
export function measurementsOf(lab: Lab, { figures, findings }: Judgement): Measurements {
  const files = globSync(join(evidenceDirectory(lab.state.directory), '*.client.jsonl')).toSorted()
  const attempts = files.map(readRawLog).flatMap((log) => (log.client === 'zone-prober' ? [] : log.attempts))
  const view = figures.orders ?? figures.rawWrites
  const { wallMs, monoMs } = stamps()
  const wall = (mono: number): number => Math.round(mono + wallMs - monoMs)
  const { acknowledgedWrites, lostWrites, lostIds } = figures
  return {
    clientLogs: files.map(digestOf),
    ...(figures.faultMs === undefined ? {} : { faultAtMs: wall(figures.faultMs) }),
    ...transitionStamps(view, wall, figures.corruption),
    writes: {
      acknowledged: acknowledgedWrites,
      found: acknowledgedWrites - lostWrites - (figures.corruption?.undoneWrites ?? 0),
      lost: lostWrites,
      duplicated: offenders(findings, 'no write is done twice'),
      unknown: unknownWrites(attempts),
      lostIds: lostIds.slice(0, 100),
    },
    ...(figures.corruption === undefined ? {} : { undone: undoneOf(figures.corruption) }),
    lossMs: figures.recoveryPointMs,
    transition: { requests: view?.transition?.requests ?? 0, failed: view?.transition?.failures ?? 0 },
    total: total([figures.orders, figures.rawWrites]),
    invariants: findings.map(({ check, verdict, detail }) => ({
      name: check,
      holds: verdict === 'passed',
      detail: verdict === 'inconclusive' ? `inconclusive: ${detail}` : detail,
    })),
  }
}

/** From a corruption on, what clients are served is wrong, whether a request of theirs fails or not: the time counts from there. */
function transitionStamps(
  view: ClientView | undefined,
  wall: (mono: number) => number,
  corruption: CorruptionFigures | undefined,
) {
  const transition = view?.transition
  if (transition === undefined) return {}
  const failedMs = wall(transition.firstFailedMs)
  const firstFailedMs = corruption === undefined ? failedMs : Math.min(failedMs, wall(corruption.toMs))
  if (transition.recoveryMs === undefined) return { firstFailedMs }
  return { firstFailedMs, firstAcknowledgedAfterMs: failedMs + Math.round(transition.recoveryMs) }
}

function undoneOf({ undoneWrites, undoneMs, undoneIds }: CorruptionFigures): UndoneWrites {
  return { writes: undoneWrites, spanMs: undoneMs, ids: undoneIds.slice(0, 100) }
}

function digestOf(file: string): ClientLogDigest {
  const content = readFileSync(file)
  const lines = content.toString('utf8').split('\n').length - 1
  return { name: basename(file), sha256: createHash('sha256').update(content).digest('hex'), lines }
}

/** A finding that failed begins with how many offend. */
function offenders(findings: readonly Finding[], check: string): number {
  const found = findings.find((finding) => finding.check === check)
  return found?.verdict === 'failed' ? Number.parseInt(found.detail, 10) || 1 : 0
}

function unknownWrites(attempts: readonly Attempt[]): number {
  const byId = Map.groupBy(attempts, ({ id }) => id)
  return [...byId.values()].filter((of) => {
    return of.some(({ outcome }) => outcome === 'unknown') && of.every(({ outcome }) => outcome !== 'acked')
  }).length
}

function total(views: readonly (ClientView | undefined)[]): RequestCount {
  const seen = views.filter((view) => view !== undefined)
  return {
    requests: seen.reduce((sum, { attempts }) => sum + attempts, 0),
    failed: seen.reduce((sum, { failed }) => sum + failed, 0),
  }
}
