import { walFolder } from '../capture/archive-layout.ts'
import { lsnOf } from '../capture/wal-position.ts'
import { readWal } from '../capture/wal-reader.ts'
import type { WalFiles } from '../capture/wal-reader.ts'
import { timelineStart } from '../capture/timeline-lineage.ts'
import type { ReplacedDatabase, SequenceFileHeight } from '../ports/isolated-database.ts'
import { sequenceRecord } from '../protocol/sequence-record.ts'
import type { WalRecord } from '../protocol/wal-scan.ts'
import type { GoalStanding } from './goal-standing.ts'
import type { ReadCopies } from './read-copies.ts'

/** What the WAL that is not replayed says about sequences, by their files. */
export interface SequencesAfterGoal {
  readonly files: readonly SequenceFileHeight[]
  /** WAL was read without a hole up to here. */
  readonly until: string
}

/** Reads the newest history behind the goal: from the archive, and beyond its end from the directory that is replaced. */
export async function sequencesAfterGoal(
  copies: ReadCopies,
  { newest, undoneFrom }: GoalStanding,
  replaced: ReplacedDatabase,
): Promise<SequencesAfterGoal> {
  const heights = new Map<string, SequenceFileHeight>()
  const see = (record: WalRecord): void => {
    const found = sequenceRecord(record)
    if (found === undefined) return
    const { database, file } = found.relation
    const key = `${database}/${file}`
    const before = heights.get(key)
    // Both ways: a sequence may count downwards, and the one that applies it knows which.
    if (before === undefined)
      heights.set(key, { database, file, value: String(found.value), lowest: String(found.value) })
    else heights.set(key, widened(before, found.value))
  }
  const local = localWal(replaced)
  const { segmentBytes } = copies.identity
  let at = undoneFrom
  for (const part of newest.lineage) {
    if (part.end <= at) continue
    const from = Math.max(at, timelineStart(part.timeline, newest.lineage))
    const stretch = { timeline: part.timeline, segmentBytes, until: part.end }
    const kept = await readWal(copies.archive, { ...stretch, from }, see)
    const rest = await readWal(local, { ...stretch, from: kept.next }, see)
    at = rest.next
  }
  return { files: [...heights.values()], until: lsnOf(at) }
}

function widened(before: SequenceFileHeight, value: bigint): SequenceFileHeight {
  const highest = value > BigInt(before.value) ? value : BigInt(before.value)
  const lowest = value < BigInt(before.lowest) ? value : BigInt(before.lowest)
  return { ...before, value: String(highest), lowest: String(lowest) }
}

/** pg_wal of the replaced directory, as far as it is still there. */
function localWal(replaced: ReplacedDatabase): WalFiles {
  let last: { readonly name: string; readonly content: Uint8Array } | undefined
  return {
    async read(path, offset, length) {
      const name = path.slice(walFolder.length + 1)
      if (last?.name !== name) last = { name, content: (await replaced.readWal(name)) ?? new Uint8Array(0) }
      return last.content.subarray(offset, offset + length)
    },
  }
}
