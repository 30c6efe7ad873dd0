import type { ArchiveReader } from '../ports/recovery-source.ts'
import { removedDatabase, sharedRowChange } from '../protocol/database-record.ts'
import { pageStart } from '../protocol/wal-page.ts'
import type { WalRecord } from '../protocol/wal-scan.ts'
import type { ClockEntry } from './commit-clock.ts'
import { readWal } from './wal-reader.ts'

// DROP DATABASE marks the row of the database as invalid, in its place and for good, deletes the row, waits for a checkpoint, removes
// the files, and is committed (PostgreSQL, dropdb). Replayed to anywhere between the mark and the commit, a database is left that is in the
// catalogue and can not be used: whoever wants it back has to stop before the mark.

/** Between the mark and the deletion only a flush of the WAL lies. */
const markDistanceMax = 16 << 20
/** The checkpoint of a busy server may write this much before the files are removed; what is nearer is looked at first. */
const lookBytes = [16 << 20, 256 << 20, 4 * 2 ** 30] as const

/** Watches the entries of one history go by, in their order, up to the place that replay is to reach. */
export class DropWatch {
  readonly #open = new Map<number, ClockEntry>()

  see(entry: ClockEntry): void {
    const { kind, xid } = entry
    if (kind === 'database-drop' && !this.#open.has(xid)) this.#open.set(xid, entry)
    else if (kind === 'commit' || kind === 'abort') this.#open.delete(xid)
  }

  /** The first removal of a database that was seen, and not the end of its transaction. */
  underWay(): ClockEntry | undefined {
    return this.#open.values().next().value
  }
}

/**
 * Where the transaction marked the database, or where it removed the files when no mark is found: servers before 15.4 make none. Reads the
 * WAL before the removal, not what lies before `from`.
 */
export async function beginOfDrop(
  archive: ArchiveReader,
  drop: ClockEntry,
  { segmentBytes, from }: { readonly segmentBytes: number; readonly from: number },
): Promise<number> {
  for (const look of lookBytes) {
    const first = Math.max(from, pageStart(drop.start - look))
    const found = await marksBefore(archive, drop, { segmentBytes, first })
    if (found.mark !== undefined) return found.mark
    if (first === from) break
    if (found.deleted !== undefined && found.deleted - first >= markDistanceMax) break
  }
  return drop.start
}

async function marksBefore(
  archive: ArchiveReader,
  { timeline, start: until, xid }: ClockEntry,
  { segmentBytes, first }: { readonly segmentBytes: number; readonly first: number },
): Promise<{ readonly mark?: number; readonly deleted?: number }> {
  const changedAt = new Map<string, number>()
  let mark: number | undefined
  let deleted: number | undefined
  const see = (record: WalRecord): void => {
    const change = sharedRowChange(record)
    if (change?.kind === 'changed-in-place') changedAt.set(change.row, record.start)
    if (change?.kind !== 'deleted' || record.xid !== xid) return
    deleted = record.start
    const changed = changedAt.get(change.row)
    if (changed !== undefined && record.start - changed <= markDistanceMax) mark = changed
  }
  const stretch = { timeline, segmentBytes, from: first, isAnywhere: true, until }
  await readWal(archive, stretch, see)
  return { ...(mark === undefined ? {} : { mark }), ...(deleted === undefined ? {} : { deleted }) }
}

/** What the commit clock says of it. No time: the record has none. */
export function databaseDropEntry(timeline: number, record: WalRecord): ClockEntry | undefined {
  if (removedDatabase(record) === undefined) return undefined
  const { start, end, xid } = record
  return {
    kind: 'database-drop',
    timeline,
    start,
    end,
    xid,
    timeMicroseconds: 0,
    subtransactions: [],
    name: '',
  }
}
