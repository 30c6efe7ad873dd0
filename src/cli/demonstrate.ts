import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../domain/recovery-error.ts'
import { entryContent } from '../evidence/evidence-bundle.ts'
import type { EvidenceBundle } from '../evidence/evidence-bundle.ts'
import type { ScenarioVerdict } from '../evidence/verdict.ts'
import { loseZoneOfPrimary } from '../lab/faults/seeded-fault.ts'
import { isProtected } from '../lab/lab-adoption.ts'
import { isLabHostName } from '../lab/lab-host.ts'
import type { LabHostName } from '../lab/lab-host.ts'
import { judgeLab, measurementsOf } from '../lab/lab-judgement.ts'
import { personContext } from '../lab/lab-paths.ts'
import { databaseBytes, scaleOf } from '../lab/lab-scale.ts'
import { untilStatus } from '../lab/lab-status.ts'
import { startWorkload } from '../lab/lab-workload.ts'
import { labUp } from '../lab/lab.ts'
import type { Lab } from '../lab/lab.ts'
import type { ControlPlaneStatus } from '../server/status-wire.ts'
import { gatherEvidence } from './collect-evidence.ts'
import type { CommandContext } from './command-context.ts'
import type { DemoOptions } from './commands/start.ts'
import { connect } from './connection.ts'
import type { Connection } from './connection.ts'
import { exitCodes } from './exit-code.ts'
import { keepEvidence } from './keep-evidence.ts'
import type { KeptEvidence } from './keep-evidence.ts'
import { labChoice } from './lab-commands.ts'
import { demoText } from './render/demo-text.ts'
import { paintFor } from './render/paint.ts'
import { listRuns, loadRun } from './run-records.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'

const rtoMs = 300_000
const rejoinTimeoutMs = 180_000
/** Long enough that acknowledged writes are at stake, short enough for somebody who watches. */
const faultMoment = { earliestMs: 4_000, latestMs: 9_000 }
const afterwardsMs = 3_000

interface Demonstration {
  readonly terminal: Terminal
  readonly connection: Connection
  readonly lab: Lab
  readonly seed: number
  readonly say: (line: string) => void
}

/**
 * A zone is lost while clients write. Nobody helps: the control plane detects, decides under its standing approval, and fails over; the
 * lost member comes back as a standby. Then a checker that shares no code with the product says what clients lost.
 */
export async function demonstrate(
  { terminal, end }: CommandContext,
  options: DemoOptions,
  { drill }: { readonly drill: boolean },
): Promise<void> {
  const say = progress(terminal)
  const seed = seedOf(options)
  say(`seed ${seed}: the orders and the moment of the fault follow from it`)
  if (drill) say('a drill: the sandbox is the lab, and nothing outside of it can be reached from there')
  const lab = await labUp({ ...labChoice(options), drill, progress: say })
  let kept = true
  try {
    const connection = await connect(terminal, { context: personContext(lab.state.directory, 'operator') })
    const bundle = await unlessStopped(terminal.stop, perform({ terminal, connection, lab, seed, say }))
    const directory = options.evidence ?? join(terminal.workingDirectory, '.pointzero', 'evidence')
    const files = await keepEvidence(bundle, connection.context.pinned, directory)
    say('the separate verifier says: genuine')
    const isMet = entryContent<readonly ScenarioVerdict[]>(bundle, 'verdicts').every(
      ({ verdict }) => verdict === 'PROVEN',
    )
    if (!isMet) end(exitCodes.failed)
    kept = options.keep === true || !isMet
    print(terminal, bundle, { files, isMet, asJson: options.json === true })
  } catch (error) {
    if (terminal.stop.aborted) throw stopped(error)
    throw error
  } finally {
    await leave(lab, { keep: options.keep === true, keepFiles: kept, say })
  }
}

async function perform(demonstration: Demonstration): Promise<EvidenceBundle> {
  const { terminal, connection, lab, seed, say } = demonstration
  const { stop } = terminal
  const startedMs = performance.now()
  const stopWorkload = await startWorkload(lab, seed)
  say('clients write: orders through the matching engine, rows into the ledger; a fault will come')
  const { host: lost, processes } = await loseZoneOfPrimary(lab, { seed, ...faultMoment }, stop)
  say(`zone ${lost} is lost: ${processes} processes killed, the primary among them`)
  const after = await untilStatus(lab.state, 'another member leads', hasMovedFrom(lost), rtoMs)
  const leader = hostOfLeader(after)
  say(`${leader} leads; the failover needed nobody`)
  await sleep(afterwardsMs, undefined, { signal: stop })
  say(`${lost} gets its power back`)
  await lab.restart(lost)
  await untilStatus(lab.state, `${lost} is a standby again`, isProtected, rejoinTimeoutMs)
  say(`${lost} is a standby again; clients stop`)
  await sleep(1_000, undefined, { signal: stop })
  await stopWorkload()
  const loadMs = performance.now() - startedMs
  const judgement = await judgeLab(lab, leader, rtoMs)
  say(`the checker says: ${judgement.verdict}`)
  const measurements = measurementsOf(lab, judgement)
  const run = await latestFailover(connection)
  const load = { fault: `kill-zone ${lost}`, seed, ledgerRows: judgement.figures.ledgerRows }
  const scale = scaleOf(judgement, { bytes: await databaseBytes(lab, leader), loadMs })
  return gatherEvidence(connection, { run, measurements, load, scale })
}

function hostOfLeader({ facts }: ControlPlaneStatus): LabHostName {
  const [cluster] = facts.clusters
  const host = cluster?.members.find(({ member }) => member === cluster.leader)?.host ?? ''
  if (isLabHostName(host)) return host
  throw new RecoveryError({
    code: 'LAB_NO_PRIMARY',
    class: 'permanent',
    message: 'nobody leads the ledger',
    hint: 'see `pointzero status`',
  })
}

function hasMovedFrom(host: LabHostName): (status: ControlPlaneStatus) => boolean {
  return (status) => {
    const [cluster] = status.clusters
    const isServed = cluster?.openRun === '' && cluster.detection.state === 'up'
    return (
      isServed && status.facts.clusters.every(({ leader }) => leader !== '') && hostOfLeader(status) !== host
    )
  }
}

async function latestFailover(connection: Connection): Promise<string> {
  const runs = await Promise.all((await listRuns(connection)).map(({ run }) => loadRun(connection, run)))
  const failovers = runs.filter(({ state }) => state.plan.procedure === 'zone-failover')
  const latest = failovers
    .toSorted((left, right) => (left.records[0]?.atMs ?? 0) - (right.records[0]?.atMs ?? 0))
    .at(-1)
  if (latest !== undefined) return latest.place.run
  throw new RecoveryError({
    code: 'RUN_UNKNOWN',
    class: 'refused',
    message: 'the leader changed without a run',
    hint: 'list them with `pointzero runs`',
  })
}

function print(
  terminal: Terminal,
  bundle: EvidenceBundle,
  result: {
    readonly files: KeptEvidence
    readonly isMet: boolean
    readonly asJson: boolean
  },
): void {
  const { files, isMet, asJson } = result
  if (asJson) {
    const content = (name: 'verdicts' | 'recovery-times' | 'measurements') => entryContent(bundle, name)
    const [verdicts, times, measurements] = [
      content('verdicts'),
      content('recovery-times'),
      content('measurements'),
    ]
    terminal.write(
      `${JSON.stringify({ objectivesMet: isMet, head: bundle.head, verdicts, times, measurements, files })}\n`,
    )
    return
  }
  terminal.write(demoText(bundle, files, terminal.nowMs(), paintFor(terminal)))
}

async function leave(
  lab: Lab,
  {
    keep,
    keepFiles,
    say,
  }: { readonly keep: boolean; readonly keepFiles: boolean; readonly say: (line: string) => void },
): Promise<void> {
  const { directory } = lab.state
  if (keep) {
    say(`the lab stays up: export POINTZERO_CONTEXT=${personContext(directory, 'operator')}`)
    say(`its end: pointzero lab down --directory ${directory}`)
    return
  }
  await lab.down({ keepFiles })
  say(
    keepFiles
      ? `the lab is gone; its logs are in ${directory}/logs`
      : 'the lab is gone, nothing of it is left',
  )
}

function progress(terminal: Terminal): (line: string) => void {
  const startMs = performance.now()
  return (line) =>
    terminal.note(`${((performance.now() - startMs) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`)
}

function seedOf({ seed }: DemoOptions): number {
  if (seed === undefined) return 1 + Math.floor(Math.random() * 1_000_000)
  const number = Number(seed)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw usageError(`--seed ${seed} is not a number from 1`, '`pointzero start --seed 7`')
}

/** Work that can not be interrupted is left behind: the lab that it works on is taken down. */
async function unlessStopped<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  if (stop.aborted) reject(stop.reason)
  stop.addEventListener('abort', () => reject(stop.reason), { once: true })
  return Promise.race([work, promise])
}

function stopped(cause: unknown): RecoveryError {
  return new RecoveryError({
    code: 'DEMO_STOPPED',
    class: 'transient',
    message: 'stopped before it had proved anything; the lab was taken down',
    hint: 'start again with `pointzero start`',
    cause,
  })
}
