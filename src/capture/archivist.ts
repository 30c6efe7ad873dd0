import { RecoveryError } from '../domain/recovery-error.ts'
import type { ArchiveDirectory } from '../ports/archive-directory.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { longPageHeaderBytes, readWalPage } from '../protocol/wal-page.ts'
import type { WalRecord } from '../protocol/wal-scan.ts'
import { archiveEnds, partialEnd } from './archive-end.ts'
import { listSegments, readHistories, walFolder } from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import type { CaptureEvent } from './capture-event.ts'
import { ClockWriter, clockEntryOf } from './clock-writer.ts'
import type { ClockEntry } from './commit-clock.ts'
import { digestOf } from './file-digest.ts'
import { openLedger } from './ledger-writer.ts'
import type { LedgerWriter } from './ledger-writer.ts'
import { lineageOf, timelineStart } from './timeline-lineage.ts'
import { historyName, lsnOf, parseSegmentName, segmentStart } from './wal-position.ts'
import type { NamedSegment } from './wal-position.ts'
import { readWal } from './wal-reader.ts'
import type { ReadStretch } from './wal-reader.ts'

export interface ArchivistPorts {
  readonly archive: ArchiveDirectory
  readonly clock: Clock
  readonly log: Log
}

const aliveIntervalMicroseconds = 10_000_000

/** Writes ledger and commit clock behind the receiver. It may be as slow as it likes: no acknowledgement waits for it. */
export class Archivist {
  readonly #ports: ArchivistPorts
  readonly #identity: ArchiveIdentity
  readonly #ledger: LedgerWriter
  readonly #clockWriter: ClockWriter
  readonly #next = new Map<number, Place>()
  #work: Promise<void> = Promise.resolve()
  #aliveMicroseconds = 0
  #newRelations = 0
  #pendingProgress: Extract<CaptureEvent, { readonly kind: 'progress' }> | undefined

  private constructor(ports: ArchivistPorts, identity: ArchiveIdentity, ledger: LedgerWriter) {
    this.#ports = ports
    this.#identity = identity
    this.#ledger = ledger
    this.#clockWriter = new ClockWriter(ports.archive, identity)
  }

  /** Catches up with what a process before this one left undone. */
  static async open(ports: ArchivistPorts, identity: ArchiveIdentity): Promise<Archivist> {
    const ledger = await openLedger(ports.archive, ports.clock, identity.systemIdentifier)
    const archivist = new Archivist(ports, identity, ledger)
    try {
      await archivist.#catchUp()
      return archivist
    } catch (error) {
      await archivist.close().catch(() => undefined)
      throw error
    }
  }

  /** Grows when somebody made a table: its name is in no earlier snapshot. */
  get newRelations(): number {
    return this.#newRelations
  }

  /** Returns at once. Progress that comes while older progress waits replaces it. */
  note(event: CaptureEvent): void {
    if (event.kind === 'progress') {
      const isQueued = this.#pendingProgress !== undefined
      this.#pendingProgress = event
      if (!isQueued) this.#enqueue(async () => this.#advanceToProgress())
    } else this.#enqueue(async () => this.#record(event))
  }

  /** Rejects when something could not be written: the process ends then, and the next one catches up. */
  async settled(): Promise<void> {
    await this.#work
  }

  async close(): Promise<void> {
    await this.#work.catch(() => undefined)
    try {
      await this.#clockWriter.close()
    } finally {
      await this.#ledger.close()
    }
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work)
    this.#work.catch(() => undefined)
  }

  async #record(event: Exclude<CaptureEvent, { readonly kind: 'progress' }>): Promise<void> {
    switch (event.kind) {
      case 'segment':
        return this.#ledgerSegment(event.name)
      case 'history':
        return this.#ledgerHistory(event.timeline)
      case 'connected':
        return this.#ledgerTails(event.timeline)
      case 'timeline-left':
        await this.#ledgerTails(event.next)
        return this.#advance(event.timeline, event.at)
      case 'gap': {
        const { timeline, from, to } = event
        await this.#ledger.append({ kind: 'gap', timeline, firstLsn: lsnOf(from), endLsn: lsnOf(to) })
        return this.#ledgerTails()
      }
      case 'conflict': {
        const { segment, position, path, sha256 } = event
        if (!this.#ledger.lists('conflict', path))
          await this.#ledger.append({ kind: 'conflict', segment, lsn: position, path, sha256 })
        return
      }
      case 'slot-limit':
      case 'interrupted':
    }
  }

  async #catchUp(): Promise<void> {
    for (const timeline of (await readHistories(this.#ports.archive)).keys())
      await this.#ledgerHistory(timeline)
    const segments = await listSegments(this.#ports.archive, this.#identity.segmentBytes)
    for (const { name, isPartial } of segments) if (!isPartial) await this.#ledgerSegment(name)
    await this.#ledgerTails()
    const ends = await archiveEnds(this.#ports.archive, this.#identity.segmentBytes)
    for (const [timeline, { receivedTo }] of ends) await this.#advance(timeline, receivedTo)
  }

  /** Checks that the file is the one that its name says, and enters it. A file whose entry exists is left alone. */
  async #ledgerSegment(name: string): Promise<void> {
    if (this.#ledger.lists('segment', name)) return
    const { archive } = this.#ports
    const { segmentBytes, systemIdentifier } = this.#identity
    const { timeline, start } = parseSegmentName(name, segmentBytes) as NamedSegment
    const { bytes, sha256, head } = await digestOf(archive, `${walFolder}/${name}`)
    const page = head.length < longPageHeaderBytes ? 'it is empty' : readWalPage(head, 0, start)
    const isItself =
      bytes === segmentBytes &&
      typeof page !== 'string' &&
      page.systemIdentifier === systemIdentifier &&
      page.segmentBytes === segmentBytes &&
      page.timeline <= timeline
    if (!isItself) throw foreignSegment(name, typeof page === 'string' ? page : `${bytes} bytes`)
    await this.#ledger.append({
      kind: 'segment',
      segment: name,
      timeline,
      firstLsn: lsnOf(start),
      endLsn: lsnOf(start + segmentBytes),
      bytes: segmentBytes,
      sha256,
    })
    await this.#advance(timeline, start + segmentBytes)
    await this.#clockWriter.sync()
  }

  async #ledgerHistory(timeline: number): Promise<void> {
    if (this.#ledger.lists('history', timeline)) return
    const path = `${walFolder}/${historyName(timeline)}`
    const { bytes, sha256 } = await digestOf(this.#ports.archive, path)
    await this.#ledger.append({ kind: 'history', timeline, bytes, sha256 })
  }

  /** Unfinished segments that something else follows, a newer timeline or WAL behind a hole: they do not grow any more. */
  async #ledgerTails(newTimeline = 0): Promise<void> {
    const { archive } = this.#ports
    const { segmentBytes } = this.#identity
    const segments = await listSegments(archive, segmentBytes)
    const newest = Math.max(newTimeline, ...segments.map(({ timeline }) => timeline))
    const left = segments.filter(
      ({ isPartial, timeline, start }) =>
        isPartial &&
        (timeline < newest || segments.some((other) => other.timeline === timeline && other.start > start)),
    )
    for (const partial of left) {
      const { name, timeline, start } = partial
      const segment = name.replace('.partial', '')
      if (this.#ledger.lists('tail', segment)) continue
      const { end } = await partialEnd(archive, segments, partial, segmentBytes)
      if (end <= start) continue
      const { bytes, sha256 } = await digestOf(archive, `${walFolder}/${name}`, end - start)
      await this.#ledger.append({
        kind: 'tail',
        segment,
        timeline,
        firstLsn: lsnOf(start),
        endLsn: lsnOf(end),
        bytes,
        sha256,
      })
    }
  }

  async #advanceToProgress(): Promise<void> {
    const progress = this.#pendingProgress
    this.#pendingProgress = undefined
    if (progress === undefined) return
    const { timeline, flushed, serverEnd, serverTimeMicroseconds } = progress
    await this.#advance(timeline, flushed)
    const isAll = flushed >= serverEnd && this.#next.get(timeline)?.at === flushed
    if (!isAll || serverTimeMicroseconds - this.#aliveMicroseconds < aliveIntervalMicroseconds) return
    this.#aliveMicroseconds = serverTimeMicroseconds
    await this.#clockWriter.append([alive(timeline, flushed, serverTimeMicroseconds)])
  }

  /** Decodes what is new on a timeline and writes it to the clock. WAL that is missing or damaged is passed over, loudly. */
  async #advance(timeline: number, until: number): Promise<void> {
    const { archive, log } = this.#ports
    const { segmentBytes } = this.#identity
    let place = this.#next.get(timeline) ?? (await this.#beginning(timeline))
    while (place !== undefined && place.at < until) {
      const found: ClockEntry[] = []
      const stretch = { timeline, segmentBytes, from: place.at, isAnywhere: place.isAnywhere, until }
      const note = (record: WalRecord): void => {
        if (isNewRelation(record)) this.#newRelations += 1
        const entry = clockEntryOf(timeline, record)
        if (entry !== undefined) found.push(entry)
      }
      const read = await readWal(archive, stretch, note, async () =>
        this.#clockWriter.append(found.splice(0)),
      )
      place = { at: read.next, isAnywhere: place.isAnywhere && read.lastStart === undefined }
      this.#next.set(timeline, place)
      const following = await this.#segmentBehind(timeline, read, until)
      if (following === undefined) return
      const what = read.reason === 'more' ? 'wal-missing' : 'wal-damaged'
      log.warn(what, { timeline, lsn: lsnOf(read.next), reason: read.reason, goesOnAt: lsnOf(following) })
      place = { at: following, isAnywhere: true }
    }
  }

  /** After the last entry of the clock; else where the timeline began; else in its first segment. */
  async #beginning(timeline: number): Promise<Place | undefined> {
    const resumeAt = await this.#clockWriter.resumeAt(timeline)
    if (resumeAt !== undefined) return { at: resumeAt, isAnywhere: false }
    const segments = await listSegments(this.#ports.archive, this.#identity.segmentBytes)
    const first = segments.find((segment) => segment.timeline === timeline)
    if (first === undefined) return undefined
    const lineage = lineageOf(timeline, await readHistories(this.#ports.archive))
    const began = lineage === undefined ? 0 : timelineStart(timeline, lineage)
    return began >= first.start ? { at: began, isAnywhere: false } : { at: first.start, isAnywhere: true }
  }

  /** The segment that decoding goes on in when it can not where it stands; `undefined` at the end of what is there. */
  async #segmentBehind(timeline: number, read: ReadStretch, until: number): Promise<number | undefined> {
    const { segmentBytes } = this.#identity
    const at = segmentStart(read.next, segmentBytes)
    const starts = (await listSegments(this.#ports.archive, segmentBytes))
      .filter((segment) => segment.timeline === timeline && segment.start > at && segment.start < until)
      .map(({ start }) => start)
    if (read.reason !== 'more') return starts[0]
    const hole = starts.findIndex((start, index) => start !== at + (index + 1) * segmentBytes)
    return hole < 0 ? undefined : starts[hole]
  }
}

interface Place {
  readonly at: number
  /** No record is known to start there: the first one behind is looked for. */
  readonly isAnywhere: boolean
}

/** XLOG_SMGR_CREATE. */
function isNewRelation({ manager, info }: WalRecord): boolean {
  return manager === 2 && (info & 0xf0) === 0x10
}

function alive(timeline: number, position: number, timeMicroseconds: number): ClockEntry {
  return {
    kind: 'alive',
    timeline,
    start: position,
    end: position,
    xid: 0,
    timeMicroseconds,
    subtransactions: [],
    name: '',
  }
}

function foreignSegment(name: string, what: string): RecoveryError {
  return new RecoveryError({
    code: 'WAL_SEGMENT_FOREIGN',
    class: 'refused',
    message: `${name} is not the segment that its name says: ${what}`,
    hint: 'move that file out of the archive and look where it came from',
    context: { segment: name },
  })
}
