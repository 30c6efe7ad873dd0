import type { Lsn } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { LineageCoverage } from './archive-coverage.ts'
import {
  countCommits,
  firstEntry,
  hasNoCommit,
  lastEntries,
  lastEntry,
  visitAll,
  visitHistory,
} from './clock-history.ts'
import type { CommitClock } from './clock-reader.ts'
import type { ClockSummary } from './clock-summary.ts'
import { isCommit } from './commit-clock.ts'
import type { ClockEntry } from './commit-clock.ts'
import { DropWatch } from './database-drop.ts'
import { later, laterKnown, usableBackups } from './recovery-points.ts'
import type { BackupPoint, RecoveryCatalogue } from './recovery-points.ts'
import { lsnOf, positionOf } from './wal-position.ts'

export type RecoveryTarget = (
  | { readonly kind: 'time'; readonly microseconds: number }
  /** Just before this transaction was committed. */
  | { readonly kind: 'xid'; readonly xid: number }
  | { readonly kind: 'name'; readonly name: string }
  /** Before the record that starts here or is the first behind. */
  | { readonly kind: 'lsn'; readonly lsn: Lsn }
  | { readonly kind: 'end' }
) & {
  /** Which history; the newest when absent. */
  readonly timeline?: number
}

/** One place in the WAL, and what it means. */
export interface ResolvedTarget {
  readonly timeline: number
  /** recovery_target_lsn and recovery_target_inclusive. */
  readonly lsn: Lsn
  readonly inclusive: boolean
  /** Where replay stands afterwards. */
  readonly reached: Lsn
  readonly backup: BackupPoint
  /** The last commits that are in, and the first that are not. */
  readonly before: readonly ClockEntry[]
  readonly after: readonly ClockEntry[]
  readonly lastUndone?: ClockEntry
  /**
   * Commits that are undone although their time is not after the wanted one: a clock that stepped, or commits that overtook each other. The
   * first hundred.
   */
  readonly undoneEarlier: readonly ClockEntry[]
  readonly undoneEarlierCommits: number
  readonly undoneCommits: number
  /** The first removal of a database that replay up to here has in it, and not the commit of its transaction. */
  readonly dropUnderWay?: ClockEntry
}

interface Stop {
  readonly position: number
  readonly inclusive: boolean
  readonly reached: number
  /** WAL up to here has to be readable. */
  readonly needed: number
}

const shown = 3
const shownEarlier = 100

/**
 * Turns what a person asks for into exactly one LSN, or refuses with the nearest point and what it costs. Reads the clock and nothing else.
 * `stopBefore`: the record that it has to stop before, whatever the target says.
 */
export async function resolveTarget(
  catalogue: RecoveryCatalogue,
  target: RecoveryTarget,
  stopBefore?: number,
): Promise<ResolvedTarget> {
  const coverage = coverageFor(catalogue, target)
  const stop =
    stopBefore === undefined
      ? await stopFor(catalogue, coverage, target)
      : stopAtLsn(catalogue, coverage, stopBefore)
  const backup = backupFor(catalogue, coverage, stop)
  if (backup === undefined) throw await unreachable(catalogue, coverage, stop.reached, target)
  return {
    timeline: coverage.timeline,
    lsn: lsnOf(stop.position),
    inclusive: stop.inclusive,
    reached: lsnOf(stop.reached),
    backup,
    ...(await around(catalogue, coverage, stop.reached, target)),
  }
}

/** What is kept and what is undone where replay stands. */
async function around(
  { clock }: RecoveryCatalogue,
  { lineage }: LineageCoverage,
  reached: number,
  target: RecoveryTarget,
): Promise<Omit<ResolvedTarget, 'timeline' | 'lsn' | 'inclusive' | 'reached' | 'backup'>> {
  const before = await lastEntries(clock, lineage, isCommit, shown, { until: reached, passes: hasNoCommit })
  const last = await lastEntry(clock, lineage, isCommit, { passes: hasNoCommit })
  const dropUnderWay = await dropAt(clock, lineage, reached)
  return {
    before,
    ...(await undoneFrom(clock, lineage, reached, target)),
    ...(last === undefined || last.start < reached ? {} : { lastUndone: last }),
    ...(dropUnderWay === undefined ? {} : { dropUnderWay }),
  }
}

async function dropAt(
  clock: CommitClock,
  lineage: LineageCoverage['lineage'],
  reached: number,
): Promise<ClockEntry | undefined> {
  const drops = new DropWatch()
  const see = (entry: ClockEntry): boolean => {
    if (entry.start < reached) drops.see(entry)
    return entry.start < reached
  }
  const passes = ({ databaseDrops }: ClockSummary): boolean =>
    databaseDrops === 0 && drops.underWay() === undefined
  await visitHistory(clock, lineage, see, { passes })
  return drops.underWay()
}

async function undoneFrom(
  clock: CommitClock,
  lineage: LineageCoverage['lineage'],
  reached: number,
  target: RecoveryTarget,
): Promise<Pick<ResolvedTarget, 'after' | 'undoneEarlier' | 'undoneEarlierCommits' | 'undoneCommits'>> {
  const wanted = target.kind === 'time' ? target.microseconds : Number.NEGATIVE_INFINITY
  const after: ClockEntry[] = []
  const undoneEarlier: ClockEntry[] = []
  let [undoneCommits, undoneEarlierCommits] = [0, 0]
  const see = (entry: ClockEntry): void => {
    if (!isCommit(entry)) return
    undoneCommits += 1
    if (after.length < shown) after.push(entry)
    if (entry.timeMicroseconds > wanted) return
    undoneEarlierCommits += 1
    if (undoneEarlier.length < shownEarlier) undoneEarlier.push(entry)
  }
  const passes = ({ commits, earliestMicroseconds }: ClockSummary): boolean => {
    if (after.length < shown || earliestMicroseconds <= wanted) return false
    undoneCommits += commits
    return true
  }
  await visitAll(clock, lineage, see, { from: reached, passes })
  return { after, undoneEarlier, undoneEarlierCommits, undoneCommits }
}

function coverageFor({ coverage }: RecoveryCatalogue, { timeline }: RecoveryTarget): LineageCoverage {
  const found = timeline === undefined ? coverage.at(-1) : coverage.find((one) => one.timeline === timeline)
  if (found !== undefined && found.lineage.length > 0) return found
  if (found !== undefined) throw historyAbsent(found.timeline)
  throw refused(
    timeline === undefined ? 'the archive is empty' : `the archive has no timeline ${timeline}`,
    'see what there is: `pointzero points --archive <directory>`',
  )
}

async function stopFor(
  catalogue: RecoveryCatalogue,
  coverage: LineageCoverage,
  target: RecoveryTarget,
): Promise<Stop> {
  switch (target.kind) {
    case 'time':
      return await stopAtTime(catalogue, coverage, target.microseconds)
    case 'xid': {
      const lacksXid = ({ lowestXid, highestXid }: ClockSummary): boolean =>
        target.xid < lowestXid || target.xid > highestXid
      const found = await allEntries(catalogue, coverage, (entry) => isEndOf(entry, target.xid), lacksXid)
      return before(onlyOne(committed(found, target.xid), `transaction ${target.xid}`))
    }
    case 'name': {
      const isNamed = ({ kind, name }: ClockEntry): boolean =>
        kind === 'restore-point' && name === target.name
      const found = await allEntries(catalogue, coverage, isNamed, ({ restorePoints }) => restorePoints === 0)
      const point = onlyOne(found, `the restore point ${JSON.stringify(target.name)}`)
      return { position: point.start, inclusive: true, reached: point.end, needed: point.end }
    }
    case 'lsn':
      return stopAtLsn(catalogue, coverage, positionOf(target.lsn))
    case 'end':
      return stopAtEnd(catalogue, coverage)
  }
}

async function allEntries(
  { clock }: RecoveryCatalogue,
  { lineage }: LineageCoverage,
  isWanted: (entry: ClockEntry) => boolean,
  passes: (summary: ClockSummary) => boolean,
): Promise<readonly ClockEntry[]> {
  const found: ClockEntry[] = []
  const see = (entry: ClockEntry): void => {
    if (isWanted(entry)) found.push(entry)
  }
  await visitAll(clock, lineage, see, { passes })
  return found
}

/**
 * Before the first commit, in the order of the WAL, whose time is after the wanted one: as PostgreSQL decides it, but known beforehand.
 * Equal times fall on the same side. Without such a commit the time is reached when the server is known to have come that far.
 */
async function stopAtTime(
  catalogue: RecoveryCatalogue,
  coverage: LineageCoverage,
  microseconds: number,
): Promise<Stop> {
  let first: ClockEntry | undefined
  let known: number | undefined
  const see = (entry: ClockEntry): boolean => {
    known = laterKnown(known, entry)
    if (isCommit(entry) && entry.timeMicroseconds > microseconds) first = entry
    return first === undefined
  }
  const passes = ({ latestMicroseconds: latest }: ClockSummary): boolean => {
    if (latest > microseconds) return false
    known = later(known, latest)
    return true
  }
  await visitHistory(catalogue.clock, coverage.lineage, see, { passes })
  if (first !== undefined) return before(first)
  if (known !== undefined && microseconds <= known) return stopAtEnd(catalogue, coverage)
  const end = coverage.ranges.at(-1)?.end ?? 0
  const seconds = known === undefined ? undefined : (microseconds - known) / 1e6
  throw beyondEnd(end, known, seconds)
}

function stopAtLsn(catalogue: RecoveryCatalogue, coverage: LineageCoverage, position: number): Stop {
  const end = coverage.ranges.at(-1)?.end ?? 0
  const last = catalogue.ends.get(coverage.timeline)?.lastRecord
  if (position > end) throw beyondEnd(end, undefined, undefined)
  // Recovery stops at a record: behind the last one there is none to stop at.
  if (last !== undefined && position > last) return stopAtEnd(catalogue, coverage)
  return { position, inclusive: false, reached: position, needed: position + 1 }
}

function stopAtEnd({ ends }: RecoveryCatalogue, coverage: LineageCoverage): Stop {
  const end = ends.get(coverage.timeline)
  if (end?.lastRecord === undefined)
    throw refused(
      `timeline ${coverage.timeline} ends without a record that recovery could stop after`,
      'name an LSN or a time: `pointzero points --archive <directory>` lists what is reachable',
    )
  return { position: end.lastRecord, inclusive: true, reached: end.end, needed: end.end }
}

function before({ start, end }: ClockEntry): Stop {
  return { position: start, inclusive: false, reached: start, needed: end }
}

/** By its own xid or that of one of its subtransactions. */
function isEndOf({ kind, xid: own, subtransactions }: ClockEntry, xid: number): boolean {
  return kind !== 'database-drop' && (own === xid || subtransactions.includes(xid))
}

function committed(found: readonly ClockEntry[], xid: number): readonly ClockEntry[] {
  const commits = found.filter(isCommit)
  if (commits.length > 0 || found.length === 0) return commits
  throw refused(
    `transaction ${xid} was ${found.at(-1)?.kind === 'prepare' ? 'prepared and never committed' : 'rolled back'}: it changed nothing`,
    'name another one: `pointzero corruption find --archive <directory>` lists those that changed much',
  )
}

function onlyOne(found: readonly ClockEntry[], what: string): ClockEntry {
  const [one, ...others] = found
  if (one !== undefined && others.length === 0) return one
  if (one === undefined)
    throw refused(
      `${what} is not in the archive`,
      'see what there is: `pointzero points --archive <directory>`',
    )
  throw refused(
    `${what} is there ${found.length} times: at ${found.map(({ start }) => lsnOf(start)).join(', ')}`,
    'say which by its LSN: `--lsn`',
  )
}

/** The newest backup from which all WAL to the target is there. */
function backupFor(
  { backups }: RecoveryCatalogue,
  coverage: LineageCoverage,
  stop: Stop,
): BackupPoint | undefined {
  return usableBackups(backups, coverage)
    .filter(({ startLsn, endLsn }) => {
      const range = coverage.ranges.find(
        ({ start, end }) => start <= positionOf(startLsn) && positionOf(startLsn) <= end,
      )
      return positionOf(endLsn) <= stop.reached && range !== undefined && stop.needed <= range.end
    })
    .toSorted((left, right) => positionOf(right.endLsn) - positionOf(left.endLsn))[0]
}

/** Says why, the nearest point that can be reached, and what is lost by taking it. */
async function unreachable(
  { backups, clock }: RecoveryCatalogue,
  coverage: LineageCoverage,
  wanted: number,
  target: RecoveryTarget,
): Promise<RecoveryError> {
  const usable = usableBackups(backups, coverage)
  const first = usable.toSorted((left, right) => positionOf(left.endLsn) - positionOf(right.endLsn))[0]
  if (first === undefined)
    return refused(
      `there is no base backup of the history of timeline ${coverage.timeline}`,
      'take one: `pointzero plan backup`, or `pointzero vault backup`',
    )
  const earliest = positionOf(first.endLsn)
  if (wanted < earliest) {
    const next = await firstEntry(clock, coverage.lineage, isCommit, {
      from: earliest,
      passes: hasNoCommit,
    })
    const at = next === undefined ? '' : `, ${timeText(next.timeMicroseconds)}`
    return refused(
      `${lsnOf(wanted)} is before the end of the oldest base backup: the earliest point is ${first.endLsn}${at}`,
      'take a later target, or bring an older backup back',
      { nearestLsn: first.endLsn },
    )
  }
  return await broken(clock, coverage, wanted, earliest, target)
}

async function broken(
  clock: CommitClock,
  { lineage, ranges, gaps }: LineageCoverage,
  wanted: number,
  earliest: number,
  target: RecoveryTarget,
): Promise<RecoveryError> {
  const range =
    ranges.findLast(
      ({ start, end }) => start <= wanted && end >= earliest && start < wanted && end < wanted,
    ) ?? ranges.find(({ end }) => end >= earliest)
  const whole = range?.end ?? 0
  const nearest = await lastEntry(clock, lineage, (entry) => isCommit(entry) && entry.end <= whole, {
    until: whole,
    passes: hasNoCommit,
  })
  const lost = await countCommits(clock, lineage, nearest?.end ?? 0, wanted)
  const wantedTime = target.kind === 'time' ? target.microseconds : lost.lastMicroseconds
  const seconds =
    nearest === undefined || wantedTime === undefined
      ? 0
      : Math.max(wantedTime - nearest.timeMicroseconds, 0) / 1e6
  const missing = gaps.find(({ start }) => start >= (range?.end ?? 0))?.firstMissing ?? 'WAL behind it'
  const at = nearest === undefined ? lsnOf(range?.end ?? 0) : lsnOf(nearest.start)
  const when = nearest === undefined ? '' : ` (${timeText(nearest.timeMicroseconds)}, xid ${nearest.xid})`
  return refused(
    `${lsnOf(wanted)} can not be reached: ${missing} is missing or damaged. The nearest point is after the commit at ${at}${when}; ` +
      `it loses ${seconds} s and ${lost.commits} known transactions`,
    'bring the missing segment back from another copy, or take the nearest point on purpose',
    { nearestLsn: at, lostSeconds: seconds, lostTransactions: lost.commits },
  )
}

function beyondEnd(end: number, known: number | undefined, seconds: number | undefined): RecoveryError {
  const until = known === undefined ? '' : `, known until ${timeText(known)}`
  const loss = seconds === undefined ? '' : `: ${seconds} s before the wanted time`
  return refused(
    `the target is beyond the archive, which ends at ${lsnOf(end)}${until}${loss}`,
    'take the end of the archive: `--end`',
    {
      nearestLsn: lsnOf(end),
      ...(seconds === undefined ? {} : { lostSeconds: seconds }),
      lostTransactions: 0,
    },
  )
}

function timeText(microseconds: number): string {
  const instant = Temporal.Instant.fromEpochNanoseconds(BigInt(microseconds) * 1000n)
  return instant.toString({ smallestUnit: 'microsecond' })
}

function historyAbsent(timeline: number): RecoveryError {
  return refused(
    `the history file of timeline ${timeline} is missing or damaged: where it came from can not be told`,
    'bring that file back from another copy, or say which history is wanted: `--timeline`',
  )
}

function refused(
  message: string,
  hint: string,
  context: Readonly<Record<string, string | number>> = {},
): RecoveryError {
  return new RecoveryError({ code: 'TARGET_UNREACHABLE', class: 'refused', message, hint, context })
}
