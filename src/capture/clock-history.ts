import type { CommitClock } from './clock-reader.ts'
import { clockFileStart, isCommit } from './commit-clock.ts'
import type { ClockEntry } from './commit-clock.ts'
import type { LineagePart } from './timeline-lineage.ts'

type Lineage = readonly LineagePart[]

/** Shows the entries of one history that begin at `from` or behind, in the order of its WAL, until `see` says no. */
export async function visitHistory(
  clock: CommitClock,
  lineage: Lineage,
  see: (entry: ClockEntry) => boolean,
  from = 0,
): Promise<void> {
  let reached = from
  for (const part of lineage) {
    if (part.end < from) continue
    partly: for await (const entries of clock.entries(part.timeline, reached))
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
  from = 0,
): Promise<void> {
  const always = (entry: ClockEntry): boolean => {
    see(entry)
    return true
  }
  await visitHistory(clock, lineage, always, from)
}

/** The first entry of one history that begins at `from` or behind and is wanted. */
export async function firstEntry(
  clock: CommitClock,
  lineage: Lineage,
  isWanted: (entry: ClockEntry) => boolean,
  from = 0,
): Promise<ClockEntry | undefined> {
  let found: ClockEntry | undefined
  const see = (entry: ClockEntry): boolean => {
    if (isWanted(entry)) found = entry
    return found === undefined
  }
  await visitHistory(clock, lineage, see, from)
  return found
}

/** The last entry of one history that begins before `until` and is wanted: its files are read from the last one back. */
export async function lastEntry(
  clock: CommitClock,
  lineage: Lineage,
  isWanted: (entry: ClockEntry) => boolean,
  until = Number.POSITIVE_INFINITY,
): Promise<ClockEntry | undefined> {
  for (const part of lineage.toReversed())
    for (const file of clock.files.toReversed()) {
      const start = clockFileStart(file)
      if (file.timeline !== part.timeline || start >= until || start > part.end) continue
      const end = Math.min(until, clockFileStart({ ...file, log: file.log + 1 }))
      let found: ClockEntry | undefined
      partly: for await (const entries of clock.entries(part.timeline, start))
        for (const entry of entries) {
          if (!isOf(part, entry) || entry.start >= end) break partly
          if (isWanted(entry)) found = entry
        }
      if (found !== undefined) return found
    }
  return undefined
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
  let commits = 0
  let first: number | undefined
  let last: number | undefined
  const see = (entry: ClockEntry): boolean => {
    if (entry.start >= until) return false
    if (!isCommit(entry)) return true
    commits += 1
    first ??= entry.timeMicroseconds
    last = entry.timeMicroseconds
    return true
  }
  await visitHistory(clock, lineage, see, from)
  if (first === undefined || last === undefined) return { commits }
  return { commits, firstMicroseconds: first, lastMicroseconds: last }
}

/** A server that was alive where its timeline was left says so of this history. */
export function isOf({ end }: LineagePart, { kind, start }: ClockEntry): boolean {
  return start < end || (kind === 'alive' && start === end)
}
