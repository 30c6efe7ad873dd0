import type { ClockPart, CommitClock } from './clock-reader.ts'
import type { ClockSummary } from './clock-summary.ts'
import { clockFileStart, isCommit } from './commit-clock.ts'
import type { ClockEntry } from './commit-clock.ts'
import type { LineagePart } from './timeline-lineage.ts'

type Lineage = readonly LineagePart[]

/** `from`: entries that begin before are not shown. `passes`: asked of files of which every entry would be shown; yes passes over them all. */
type Visit = Pick<ClockPart, 'from' | 'passes'>
/** `until`: entries that begin here or behind are not looked at. `passes`: there is none in the file. */
type LookBack = Pick<ClockPart, 'until' | 'passes'>

/** Shows the entries of one history in the order of its WAL, until `see` says no. */
export async function visitHistory(
  clock: CommitClock,
  lineage: Lineage,
  see: (entry: ClockEntry) => boolean,
  { from = 0, passes = () => false }: Visit = {},
): Promise<void> {
  let reached = from
  for (const part of lineage) {
    if (part.end < from) continue
    const isPassed = (summary: ClockSummary): boolean => {
      const isShown = summary.firstStart >= reached && summary.lastStart < part.end
      if (!isShown || !passes(summary)) return false
      reached = summary.lastStart
      return true
    }
    partly: for await (const entries of clock.entries(part.timeline, { from: reached, passes: isPassed }))
      for (const entry of entries) {
        if (!isOf(part, entry)) break partly
        // The first segment of a timeline begins with a copy of what its ancestor wrote.
        if (entry.start < reached) continue
        reached = entry.start
        if (!see(entry)) return
      }
  }
}

/** As `visitHistory`, and never ended before. */
export async function visitAll(
  clock: CommitClock,
  lineage: Lineage,
  see: (entry: ClockEntry) => void,
  visit: Visit = {},
): Promise<void> {
  const always = (entry: ClockEntry): boolean => {
    see(entry)
    return true
  }
  await visitHistory(clock, lineage, always, visit)
}

/** The first entry of one history that is wanted. `passes`: there is none in the file. */
export async function firstEntry(
  clock: CommitClock,
  lineage: Lineage,
  isWanted: (entry: ClockEntry) => boolean,
  visit: Visit = {},
): Promise<ClockEntry | undefined> {
  let found: ClockEntry | undefined
  const see = (entry: ClockEntry): boolean => {
    if (isWanted(entry)) found = entry
    return found === undefined
  }
  await visitHistory(clock, lineage, see, visit)
  return found
}

/** The last entries of one history that are wanted, in the order of the WAL: its files are read from the last one back. */
export async function lastEntries(
  clock: CommitClock,
  lineage: Lineage,
  isWanted: (entry: ClockEntry) => boolean,
  count: number,
  { until = Number.POSITIVE_INFINITY, passes = () => false }: LookBack = {},
): Promise<readonly ClockEntry[]> {
  let found: readonly ClockEntry[] = []
  for (const part of lineage.toReversed())
    for (const file of clock.files.toReversed()) {
      const start = clockFileStart(file)
      if (file.timeline !== part.timeline || start >= until || start > part.end) continue
      const end = Math.min(until, clockFileStart({ log: file.log + 1 }))
      const inFile: ClockEntry[] = []
      partly: for await (const entries of clock.entries(part.timeline, { from: start, until: end, passes }))
        for (const entry of entries) {
          if (!isOf(part, entry) || entry.start >= end) break partly
          if (isWanted(entry)) inFile.push(entry)
          if (inFile.length > count) inFile.shift()
        }
      found = [...inFile, ...found].slice(-count)
      if (found.length === count) return found
    }
  return found
}

export async function lastEntry(
  clock: CommitClock,
  lineage: Lineage,
  isWanted: (entry: ClockEntry) => boolean,
  look: LookBack = {},
): Promise<ClockEntry | undefined> {
  return (await lastEntries(clock, lineage, isWanted, 1, look))[0]
}

/** A file without commits. */
export function hasNoCommit({ commits }: ClockSummary): boolean {
  return commits === 0
}

/** Commits of a stretch, and when the first and the last of them were. */
export interface CommitCount {
  readonly commits: number
  readonly firstMicroseconds?: number
  readonly lastMicroseconds?: number
}

export async function countCommits(
  clock: CommitClock,
  lineage: Lineage,
  from: number,
  until = Number.POSITIVE_INFINITY,
): Promise<CommitCount> {
  const tally = new CommitTally()
  const see = (entry: ClockEntry): boolean => {
    if (entry.start >= until) return false
    tally.see(entry)
    return true
  }
  const passes = (summary: ClockSummary): boolean => {
    if (summary.lastStart >= until) return false
    tally.pass(summary)
    return true
  }
  await visitHistory(clock, lineage, see, { from, passes })
  return tally.count()
}

/** Adds up what it is shown, in the order of the WAL. */
export class CommitTally {
  #commits = 0
  #first: number | undefined
  #last: number | undefined

  see(entry: ClockEntry): void {
    if (!isCommit(entry)) return
    this.#commits += 1
    this.#first ??= entry.timeMicroseconds
    this.#last = entry.timeMicroseconds
  }

  /** A file of which every entry counts. */
  pass(summary: ClockSummary): void {
    if (summary.commits === 0) return
    this.#commits += summary.commits
    this.#first ??= summary.firstCommitMicroseconds
    this.#last = summary.lastCommitMicroseconds
  }

  count(): CommitCount {
    const commits = this.#commits
    if (this.#first === undefined || this.#last === undefined) return { commits }
    return { commits, firstMicroseconds: this.#first, lastMicroseconds: this.#last }
  }
}

/** A server that was alive where its timeline was left says so of this history. */
export function isOf({ end }: LineagePart, { kind, start }: ClockEntry): boolean {
  return start < end || (kind === 'alive' && start === end)
}
