import { firstEntry, lastEntry } from './clock-history.ts'
import type { CommitClock } from './clock-reader.ts'
import type { LineagePart } from './timeline-lineage.ts'

type Lineage = readonly LineagePart[]

/** The first entry, in the order of the WAL, that is not before the time begins here: what lies before it is not looked at. Byte offset. */
export async function startOfTime(
  clock: CommitClock,
  lineage: Lineage,
  microseconds: number,
): Promise<number> {
  const first = await firstEntry(clock, lineage, (entry) => entry.timeMicroseconds >= microseconds, {
    passes: ({ latestMicroseconds }) => latestMicroseconds < microseconds,
  })
  if (first !== undefined) return first.start
  return (await lastEntry(clock, lineage, () => true))?.end ?? 0
}

/** The last entry that is not after the time ends here. One without a time is neither before nor after. Byte offset, 0 when there is none. */
export async function endOfTime(clock: CommitClock, lineage: Lineage, microseconds: number): Promise<number> {
  const last = await lastEntry(
    clock,
    lineage,
    ({ kind, timeMicroseconds }) => kind !== 'database-drop' && timeMicroseconds <= microseconds,
    { passes: ({ earliestMicroseconds }) => earliestMicroseconds > microseconds },
  )
  return last?.end ?? 0
}
