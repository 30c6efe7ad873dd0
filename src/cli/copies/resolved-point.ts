import type { ClockEntry } from '../../capture/commit-clock.ts'
import type { TargetInArchive } from '../../capture/resolve-in-archive.ts'
import { lsnOf } from '../../capture/wal-position.ts'
import type { ClockMark, ResolvedPoint } from '../../ports/kept-copies.ts'

/** As it goes over the wire: positions as LSNs, and no more of the commit clock than people look at. */
export function resolvedPoint(resolved: TargetInArchive): ResolvedPoint {
  const { timeline, lsn, inclusive, reached, backup, before, after, lastUndone, avoidedDrop } = resolved
  return {
    timeline,
    lsn,
    inclusive,
    reached,
    snapshot: backup.id,
    before: before.map(markOf),
    after: after.map(markOf),
    ...(lastUndone === undefined ? {} : { lastUndone: markOf(lastUndone) }),
    undoneCommits: resolved.undoneCommits,
    undoneEarlier: resolved.undoneEarlierCommits,
    ...(avoidedDrop === undefined ? {} : { avoidedDrop }),
  }
}

function markOf({ kind, start, xid, timeMicroseconds, name }: ClockEntry): ClockMark {
  return { kind, lsn: lsnOf(start), xid, microseconds: timeMicroseconds, name }
}
