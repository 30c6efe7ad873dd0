import type { Lsn } from '../domain/lsn.ts'
import type { ArchiveGap, CoveredRange, LineageCoverage } from './archive-coverage.ts'
import type { TimelineEnd } from './archive-end.ts'
import type { ClockEntry } from './commit-clock.ts'
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

/** Everything that decides what can be reached: plain data, read once. */
export interface RecoveryCatalogue {
  readonly coverage: readonly LineageCoverage[]
  readonly clock: readonly ClockEntry[]
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

export function recoveryPoints(catalogue: RecoveryCatalogue): RecoveryPoints {
  const ranges = catalogue.coverage.flatMap((coverage) =>
    coverage.ranges.flatMap((range) => reachableRange(catalogue, coverage, range) ?? []),
  )
  const gaps = new Map(
    catalogue.coverage.flatMap((coverage) => coverage.gaps.map((gap) => [gap.firstMissing, gap])),
  )
  return { ranges, gaps: [...gaps.values()], leftBehind: leftBehind(catalogue) }
}

function reachableRange(
  catalogue: RecoveryCatalogue,
  coverage: LineageCoverage,
  range: CoveredRange,
): ReachableRange | undefined {
  const backup = usableBackups(catalogue.backups, coverage)
    .filter((one) => positionOf(one.startLsn) >= range.start && positionOf(one.endLsn) <= range.end)
    .toSorted((left, right) => positionOf(left.endLsn) - positionOf(right.endLsn))[0]
  if (backup === undefined) return undefined
  const start = positionOf(backup.endLsn)
  // An ancestor's own stretch is listed with the newest timeline that it leads to, and once more for itself.
  const entries = clockOf(catalogue.clock, coverage).filter(
    (entry) => entry.start >= start && entry.end <= range.end,
  )
  const commits = entries.filter(isCommit)
  const times = commits.map(({ timeMicroseconds }) => timeMicroseconds)
  const known = knownUntil(entries)
  return {
    timeline: coverage.timeline,
    backup: backup.id,
    start,
    end: range.end,
    ...(times[0] === undefined ? {} : { firstCommitMicroseconds: times[0] }),
    ...(times.length === 0 ? {} : { lastCommitMicroseconds: times.at(-1) as number }),
    ...(known === undefined ? {} : { knownUntilMicroseconds: known }),
    commits: commits.length,
    names: entries.filter(({ kind }) => kind === 'restore-point'),
  }
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

/** The entries of one history, in the order of its WAL. */
export function clockOf(clock: readonly ClockEntry[], { lineage }: LineageCoverage): readonly ClockEntry[] {
  const ends = new Map(lineage.map(({ timeline, end }) => [timeline, end]))
  return clock
    .filter((entry) => entry.start < (ends.get(entry.timeline) ?? 0) || isAliveAtFork(entry, ends))
    .toSorted((left, right) => left.start - right.start)
}

function isAliveAtFork(entry: ClockEntry, ends: ReadonlyMap<number, number>): boolean {
  return entry.kind === 'alive' && entry.start === ends.get(entry.timeline)
}

export function isCommit({ kind }: ClockEntry): boolean {
  return kind === 'commit' || kind === 'commit-prepared'
}

/** The latest time that the server is known to have seen: of a commit, or of a moment when it had nothing more. */
export function knownUntil(entries: readonly ClockEntry[]): number | undefined {
  let latest: number | undefined
  for (const { kind, timeMicroseconds } of entries)
    if (kind !== 'database-drop' && (latest === undefined || timeMicroseconds > latest))
      latest = timeMicroseconds
  return latest
}

function leftBehind({ coverage, clock, ends }: RecoveryCatalogue): readonly LeftBehind[] {
  const newest = coverage.at(-1)
  if (newest === undefined) return []
  return newest.lineage.slice(0, -1).flatMap(({ timeline, end: from }) => {
    const end = ends.get(timeline)?.end ?? 0
    const commits = clock.filter(
      (entry) => entry.timeline === timeline && entry.start >= from && isCommit(entry),
    )
    return end > from && commits.length > 0 ? [{ timeline, from, end, commits: commits.length }] : []
  })
}
