import type { Endpoint } from '../ports/network.ts'
import { endOf } from './wal-record.ts'
import type { TimelineStart, WalRecord } from './wal-record.ts'

/** What a simulated data directory holds; it outlives the postmaster. */
export class PostgresDirectory {
  systemIdentifier = ''
  /** Flushed records, oldest first. Nothing is recycled. */
  wal: WalRecord[] = []
  /** The history file of the current timeline. */
  history: readonly TimelineStart[] = [{ timeline: 1, lsn: 0 }]
  upstream: Endpoint | undefined
  standbySignal = false
  syncNames: readonly string[] = []
  syncCount = 0
  /** Timeline of the last checkpoint in pg_control: what pg_rewind reads. */
  checkpointTimeline = 1
  /** Set when pg_control says that it was shut down in an orderly way. */
  shutdownLsn: number | undefined
  /** The shutdown checkpoint of a shutdown that is under way. */
  pendingShutdownLsn: number | undefined
  /** A rewind or clone that did not end: it starts no more. */
  isDamaged = false

  get timeline(): number {
    return this.history.at(-1)?.timeline ?? 1
  }

  /** The highest timeline of which this directory knows: promotion takes the next one. Others may have taken it as well. */
  get newestTimeline(): number {
    return Math.max(...this.history.map(({ timeline }) => timeline))
  }

  /** Nothing of it is left. */
  wipe(): void {
    Object.assign(this, new PostgresDirectory())
  }

  beginTimeline(timeline: number): void {
    this.history = [...this.history, { timeline, lsn: endOf(this.wal) }]
  }

  append(records: readonly WalRecord[], source: PostgresDirectory): void {
    for (const record of records) this.wal.push(record)
    const newest = records.at(-1)?.timeline ?? this.timeline
    if (newest !== this.timeline) this.history = source.historyUpTo(newest)
  }

  truncate(length: number): void {
    this.wal.length = length
  }

  historyUpTo(timeline: number): readonly TimelineStart[] {
    const index = this.history.findIndex((start) => start.timeline === timeline)
    return this.history.slice(0, index + 1)
  }

  /** The position up to which a timeline belongs to this history; `undefined` when it does not. */
  endOfTimeline(timeline: number): number | undefined {
    const index = this.history.findIndex((start) => start.timeline === timeline)
    if (index < 0) return undefined
    return this.history[index + 1]?.lsn ?? endOf(this.wal)
  }

  /** A standby with that directory may begin to stream here: by identifiers, timelines and positions alone, as the walsender judges. */
  covers(standby: PostgresDirectory): boolean {
    if (standby.systemIdentifier !== this.systemIdentifier) return false
    const end = this.endOfTimeline(standby.timeline)
    return end !== undefined && endOf(standby.wal) <= end
  }

  /** A copy that later changes of this one do not reach. */
  snapshot(): PostgresDirectory {
    const copy = new PostgresDirectory()
    copy.become(this)
    return copy
  }

  /** Everything as it is there, as if it were this disk. */
  become(other: PostgresDirectory): void {
    Object.assign(this, other, { wal: [...other.wal] })
  }

  copyFrom(source: PostgresDirectory): void {
    this.systemIdentifier = source.systemIdentifier
    this.wal = [...source.wal]
    this.history = source.history
    this.checkpointTimeline = source.timeline
    this.shutdownLsn = undefined
  }
}
