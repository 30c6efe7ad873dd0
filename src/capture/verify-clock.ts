import type { ArchiveReader } from '../ports/recovery-source.ts'
import type { WalRecord } from '../protocol/wal-scan.ts'
import { listSegments } from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import { clockFiles, readClockFile, sumClockFile } from './clock-reader.ts'
import type { SizedClockFile } from './clock-reader.ts'
import { encodeSummary } from './clock-summary.ts'
import type { ClockSummary } from './clock-summary.ts'
import { clockEntryOf } from './clock-writer.ts'
import { clockFileName, clockFileOf, isFileOf } from './commit-clock.ts'
import type { ClockEntry } from './commit-clock.ts'
import type { ArchiveDefect } from './verify-archive.ts'
import { lsnOf } from './wal-position.ts'
import type { NamedSegment } from './wal-position.ts'
import { readWal } from './wal-reader.ts'

/**
 * Reads all WAL record by record and compares it with the commit clock: names clock files that are not what was written or say something else
 * than the WAL, and segments, growing ones too, that no longer hold what the clock knows to have been there. `damaged` is what was named
 * already. A clock that is merely behind is none of these: capture goes on with it.
 */
export async function verifyClock(
  archive: ArchiveReader,
  identity: ArchiveIdentity,
  damaged: ReadonlySet<string>,
): Promise<readonly ArchiveDefect[]> {
  const files = await clockFiles(archive)
  const found: ArchiveDefect[] = []
  for (const file of files) found.push(...(await untrueFile(archive, identity, file)))
  const segments = await listSegments(archive, identity.segmentBytes)
  for (const [timeline, known] of Map.groupBy(files, (file) => file.timeline)) {
    const sound = segments.filter((one) => one.timeline === timeline && !damaged.has(one.name))
    for (const run of contiguous(sound, identity.segmentBytes))
      found.push(...(await compareRun(archive, identity, { timeline, run, known })))
  }
  return [...new Map(found.map((defect) => [defect.file, defect])).values()]
}

async function untrueFile(
  archive: ArchiveReader,
  identity: ArchiveIdentity,
  first: SizedClockFile,
): Promise<readonly ArchiveDefect[]> {
  let file = first
  for (let before = -1; ;) {
    const { trueBytes, summary, summing } = await sumClockFile(readClockFile(archive, identity, file))
    if (trueBytes === file.sizeBytes)
      return summary === undefined || isSame(summary, summing.summary())
        ? []
        : [altered(clockFileName(file), 'its summary says something else than its entries')]
    if (trueBytes === before)
      return [altered(clockFileName(file), `it is not what was written from byte ${trueBytes} on`)]
    // It may just have been growing: then it goes further the next time.
    before = trueBytes
    const now = (await clockFiles(archive)).find(
      ({ timeline, log }) => timeline === file.timeline && log === file.log,
    )
    file = now ?? file
  }
}

function isSame(written: ClockSummary, summed: ClockSummary | undefined): boolean {
  return summed !== undefined && Buffer.compare(encodeSummary(written, 0), encodeSummary(summed, 0)) === 0
}

interface Run {
  readonly timeline: number
  readonly run: readonly NamedSegment[]
  readonly known: readonly SizedClockFile[]
}

async function compareRun(
  archive: ArchiveReader,
  identity: ArchiveIdentity,
  { timeline, run, known }: Run,
): Promise<readonly ArchiveDefect[]> {
  const { segmentBytes } = identity
  const from = run[0]?.start ?? 0
  const until = (run.at(-1)?.start ?? 0) + segmentBytes
  const comparison = new ClockComparison(knownEntries(archive, identity, known, from, until))
  let seen: ClockEntry[] = []
  const stretch = { timeline, segmentBytes, from, isAnywhere: true, until }
  const see = (record: WalRecord): void => {
    const entry = clockEntryOf(timeline, record)
    if (entry !== undefined) seen.push(entry)
  }
  const read = await readWal(archive, stretch, see, async () => {
    await comparison.compare(seen)
    seen = []
  })
  const beyond = await comparison.beyond(read.next, until)
  if (beyond === undefined) return comparison.defects()
  // A record goes on in the next segment; whole ones were compared with the ledger, so it is the growing one.
  const reached = run.filter(({ start }) => read.next < start + segmentBytes)
  const file = (reached.find(({ isPartial }) => isPartial) ?? reached[0])?.name ?? ''
  const what = `${read.reason} at ${lsnOf(read.next)}, yet the commit clock knows of ${lsnOf(beyond.start)}`
  return [altered(file, what)]
}

/** What is true in clock files about a stretch of WAL, also behind a file that is not. */
async function* knownEntries(
  archive: ArchiveReader,
  identity: ArchiveIdentity,
  files: readonly SizedClockFile[],
  from: number,
  until: number,
): AsyncGenerator<ClockEntry> {
  for (const file of files) {
    if (!isFileOf(file, from, until)) continue
    for await (const entries of readClockFile(archive, identity, file))
      for (const entry of entries)
        if (entry.kind !== 'alive' && entry.start >= from && entry.start < until) yield entry
  }
}

/** The clock beside the WAL, both in the order of the WAL. Before its first entry and behind its last one the clock says nothing. */
class ClockComparison {
  readonly #known: AsyncGenerator<ClockEntry>
  #next: ClockEntry | undefined
  #isBegun = false
  #wrong: ClockEntry | undefined
  /** In the WAL and not in the clock; it counts once the clock goes on behind it. */
  #passed: ClockEntry | undefined
  #absent: ClockEntry | undefined

  constructor(known: AsyncGenerator<ClockEntry>) {
    this.#known = known
  }

  async compare(inWal: readonly ClockEntry[]): Promise<void> {
    for (const entry of inWal) {
      while (((await this.#peek())?.start ?? Number.POSITIVE_INFINITY) < entry.start)
        await this.#take(undefined)
      if (this.#next?.start === entry.start) await this.#take(entry)
      else if (this.#isBegun) this.#passed ??= entry
    }
  }

  /** The first that the clock knows behind the WAL that was read, whole before `until`. */
  async beyond(readTo: number, until: number): Promise<ClockEntry | undefined> {
    for (let next = await this.#peek(); next !== undefined; next = await this.#peek()) {
      if (next.start >= readTo && next.end <= until) return next
      if (next.start >= readTo) this.#next = undefined
      else await this.#take(undefined)
    }
    return undefined
  }

  defects(): readonly ArchiveDefect[] {
    return [this.#wrong, this.#absent].flatMap((entry) =>
      entry === undefined
        ? []
        : [altered(clockFileName(clockFileOf(entry)), `it differs from the WAL at ${lsnOf(entry.start)}`)],
    )
  }

  async #peek(): Promise<ClockEntry | undefined> {
    if (this.#next !== undefined) return this.#next
    const { done, value } = await this.#known.next()
    this.#next = done === true ? undefined : value
    return this.#next
  }

  async #take(inWal: ClockEntry | undefined): Promise<void> {
    const entry = await this.#peek()
    this.#next = undefined
    this.#isBegun = true
    this.#absent ??= this.#passed
    if (textOf(entry) !== textOf(inWal)) this.#wrong ??= entry
  }
}

function contiguous(segments: readonly NamedSegment[], segmentBytes: number): readonly NamedSegment[][] {
  const runs: NamedSegment[][] = []
  for (const segment of segments) {
    const run = runs.at(-1)
    if (run?.at(-1)?.start === segment.start - segmentBytes) run.push(segment)
    else runs.push([segment])
  }
  return runs
}

function textOf(entry: ClockEntry | undefined): string {
  if (entry === undefined) return ''
  const { kind, start, end, xid, timeMicroseconds, subtransactions, name } = entry
  return JSON.stringify([kind, start, end, xid, timeMicroseconds, subtransactions, name])
}

function altered(file: string, detail: string): ArchiveDefect {
  return { file, problem: 'altered', detail }
}
