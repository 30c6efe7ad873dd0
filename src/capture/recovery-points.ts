import type { Lsn } from '../domain/lsn.ts'
import type { ArchiveGap, CoveredRange, LineageCoverage } from './archive-coverage.ts'
import type { TimelineEnd } from './archive-end.ts'
import { CommitTally, isOf } from './clock-history.ts'
import type { CommitClock } from './clock-reader.ts'
import type { ClockSummary } from './clock-summary.ts'
import type { ClockEntry } from './commit-clock.ts'
import type { LineagePart } from './timeline-lineage.ts'
import { positionOf } from './wal-position.ts'

/** A base backup, as far as WAL replay is concerned. */
export interface BackupPoint {
  readonly id: string
  readonly timeline: number
  /** WAL is needed from here on. */
  readonly startLsn: Lsn
  /** The copy is consistent from here on: nothing earlier can be reached with it. */
  readonly endLsn: Lsn
}

/** Everything that decides what can be reached, as it was at one moment. */
export interface RecoveryCatalogue {
  readonly coverage: readonly LineageCoverage[]
  readonly clock: CommitClock
  readonly ends: ReadonlyMap<number, TimelineEnd>
  readonly backups: readonly BackupPoint[]
}

/** A stretch of one history in which every transaction boundary can be reached. */
export interface ReachableRange {
  readonly timeline: number
  /** The oldest backup that reaches into it. */
  readonly backup: string
  readonly start: number
  readonly end: number
  /** Time of the first and the last commit in it; absent when there is none. */
  readonly firstCommitMicroseconds?: number
  readonly lastCommitMicroseconds?: number
  /** Until then nothing was committed unseen: a later time is beyond the archive. */
  readonly knownUntilMicroseconds?: number
  readonly commits: number
  readonly names: readonly ClockEntry[]
}

/** Commits that a history left behind when the next timeline began: they are in the archive and not in the newest history. */
export interface LeftBehind {
  readonly timeline: number
  readonly from: number
  readonly end: number
  readonly commits: number
}

export interface RecoveryPoints {
  readonly ranges: readonly ReachableRange[]
  readonly gaps: readonly ArchiveGap[]
  readonly leftBehind: readonly LeftBehind[]
}

/** Reads the clock once, whatever the number of histories. */
export async function recoveryPoints(catalogue: RecoveryCatalogue): Promise<RecoveryPoints> {
  const { coverage, clock } = catalogue
  const reachable = coverage.flatMap((one) =>
    one.ranges.flatMap((range) => reachableRange(catalogue, one, range) ?? []),
  )
  const left = leftBehind(catalogue)
  const windows = [...reachable, ...left].flatMap((counted) => counted.windows)
  for (const timeline of new Set(clock.files.map((file) => file.timeline))) {
    const open = windows.filter(({ part }) => part.timeline === timeline)
    const passes = (summary: ClockSummary): boolean => {
      const isWhole = open.every((window) => window.holdsAll(summary) || window.holdsNone(summary))
      if (!isWhole || summary.restorePoints > 0) return false
      for (const window of open) if (window.holdsAll(summary)) window.tally.pass(summary)
      return true
    }
    for await (const entries of clock.entries(timeline, { passes }))
      for (const entry of entries) for (const window of open) if (window.holds(entry)) window.tally.see(entry)
  }
  const gaps = new Map(coverage.flatMap((one) => one.gaps.map((gap) => [gap.firstMissing, gap])))
  return {
    ranges: reachable.map(({ range, tally }) => ({ ...range, ...tally.said() })),
    gaps: [...gaps.values()],
    leftBehind: left.flatMap(({ tally: { commits }, ...one }) =>
      commits === 0 ? [] : [{ timeline: one.timeline, from: one.from, end: one.end, commits }],
    ),
  }
}

/** Entries of one timeline that are counted. */
class ClockWindow {
  readonly part: LineagePart
  readonly tally: Tally
  readonly #from: number
  readonly #until: number

  constructor(part: LineagePart, tally: Tally, from: number, until = Number.POSITIVE_INFINITY) {
    this.part = part
    this.tally = tally
    this.#from = from
    this.#until = until
  }

  holds(entry: ClockEntry): boolean {
    return entry.start >= this.#from && entry.end <= this.#until && isOf(this.part, entry)
  }

  holdsAll({ firstStart, lastStart, lastEnd }: ClockSummary): boolean {
    return firstStart >= this.#from && lastEnd <= this.#until && lastStart < this.part.end
  }

  holdsNone({ firstStart, lastStart }: ClockSummary): boolean {
    return lastStart < this.#from || firstStart > Math.min(this.#until, this.part.end)
  }
}

class Tally {
  readonly #commits = new CommitTally()
  readonly #names: ClockEntry[] = []
  #known: number | undefined

  see(entry: ClockEntry): void {
    this.#known = laterKnown(this.#known, entry)
    if (entry.kind === 'restore-point') this.#names.push(entry)
    this.#commits.see(entry)
  }

  /** A file of which every entry counts, and that has no restore point. */
  pass(summary: ClockSummary): void {
    this.#known = later(this.#known, summary.latestMicroseconds)
    this.#commits.pass(summary)
  }

  get commits(): number {
    return this.#commits.count().commits
  }

  said(): Omit<ReachableRange, 'timeline' | 'backup' | 'start' | 'end'> {
    const { commits, firstMicroseconds, lastMicroseconds } = this.#commits.count()
    return {
      ...(firstMicroseconds === undefined ? {} : { firstCommitMicroseconds: firstMicroseconds }),
      ...(lastMicroseconds === undefined ? {} : { lastCommitMicroseconds: lastMicroseconds }),
      ...(this.#known === undefined ? {} : { knownUntilMicroseconds: this.#known }),
      commits,
      names: this.#names,
    }
  }
}

function reachableRange(
  { backups }: RecoveryCatalogue,
  coverage: LineageCoverage,
  { start: from, end }: CoveredRange,
) {
  const backup = usableBackups(backups, coverage)
    .filter((one) => positionOf(one.startLsn) >= from && positionOf(one.endLsn) <= end)
    .toSorted((left, right) => positionOf(left.endLsn) - positionOf(right.endLsn))[0]
  if (backup === undefined) return undefined
  const start = positionOf(backup.endLsn)
  const tally = new Tally()
  // An ancestor's own stretch is listed with the newest timeline that it leads to, and once more for itself.
  const windows = coverage.lineage.map((part) => new ClockWindow(part, tally, start, end))
  return { range: { timeline: coverage.timeline, backup: backup.id, start, end }, windows, tally }
}

/** Backups of this history: taken before it left the timeline that they were taken on. */
export function usableBackups(
  backups: readonly BackupPoint[],
  { lineage }: LineageCoverage,
): readonly BackupPoint[] {
  return backups.filter((backup) => {
    const part = lineage.find(({ timeline }) => timeline === backup.timeline)
    return part !== undefined && positionOf(backup.endLsn) <= part.end
  })
}

/** The latest time that the server is known to have seen: of a commit, or of a moment when it had nothing more. */
export function laterKnown(
  known: number | undefined,
  { kind, timeMicroseconds }: ClockEntry,
): number | undefined {
  return kind === 'database-drop' ? known : later(known, timeMicroseconds)
}

/** `-Infinity` of a file in which nothing has a time. */
export function later(known: number | undefined, microseconds: number): number | undefined {
  if (microseconds === Number.NEGATIVE_INFINITY) return known
  return Math.max(known ?? microseconds, microseconds)
}

function leftBehind({ coverage, ends }: RecoveryCatalogue) {
  const newest = coverage.at(-1)
  if (newest === undefined) return []
  return newest.lineage.slice(0, -1).flatMap(({ timeline, end: from }) => {
    const end = ends.get(timeline)?.end ?? 0
    const tally = new Tally()
    const behind = { timeline, end: Number.POSITIVE_INFINITY }
    return end > from ? [{ timeline, from, end, tally, windows: [new ClockWindow(behind, tally, from)] }] : []
  })
}
