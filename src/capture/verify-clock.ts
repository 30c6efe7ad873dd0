import type { ArchiveReader } from '../ports/recovery-source.ts'
import { clockFolder, listSegments } from './archive-layout.ts'
import type { ArchiveIdentity } from './archive-layout.ts'
import { clockEntryOf, readClockFile } from './clock-writer.ts'
import { clockFileName, clockFileOf, parseClockFileName } from './commit-clock.ts'
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
  const { clock, defects } = await readFiles(archive, identity)
  const segments = await listSegments(archive, identity.segmentBytes)
  const found: ArchiveDefect[] = [...defects]
  for (const [timeline, known] of Map.groupBy(clock, (entry) => entry.timeline)) {
    const sound = segments.filter((one) => one.timeline === timeline && !damaged.has(one.name))
    for (const run of contiguous(sound, identity.segmentBytes))
      found.push(...(await compareRun(archive, identity, { timeline, run, known })))
  }
  return [...new Map(found.map((defect) => [defect.file, defect])).values()]
}

async function readFiles(archive: ArchiveReader, { systemIdentifier }: ArchiveIdentity) {
  const clock: ClockEntry[] = []
  const defects: ArchiveDefect[] = []
  for (const name of await archive.list(clockFolder)) {
    const file = parseClockFileName(name)
    if (file === undefined) continue
    let read = await readClockFile(archive, file, systemIdentifier)
    for (let before = -1; read.trueBytes < read.sizeBytes && read.trueBytes !== before;) {
      // It may just have been growing: then it goes further the next time.
      before = read.trueBytes
      read = await readClockFile(archive, file, systemIdentifier)
    }
    if (read.trueBytes < read.sizeBytes)
      defects.push(altered(name, `it is not what was written from byte ${read.trueBytes} on`))
    for (const entry of read.entries) clock.push(entry)
  }
  return { clock, defects }
}

interface Run {
  readonly timeline: number
  readonly run: readonly NamedSegment[]
  readonly known: readonly ClockEntry[]
}

async function compareRun(
  archive: ArchiveReader,
  { segmentBytes }: ArchiveIdentity,
  { timeline, run, known }: Run,
): Promise<readonly ArchiveDefect[]> {
  const from = run[0]?.start ?? 0
  const until = (run.at(-1)?.start ?? 0) + segmentBytes
  const inWal = new Map<number, ClockEntry>()
  const read = await readWal(archive, { timeline, segmentBytes, from, isAnywhere: true, until }, (record) => {
    const entry = clockEntryOf(timeline, record)
    if (entry !== undefined) inWal.set(entry.start, entry)
  })
  const ends = known.filter(({ kind, start }) => kind !== 'alive' && start >= from && start < until)
  const beyond = ends.find(({ start, end }) => start >= read.next && end <= until)
  if (beyond !== undefined) {
    // A record goes on in the next segment; whole ones were compared with the ledger, so it is the growing one.
    const reached = run.filter(({ start }) => read.next < start + segmentBytes)
    const file = (reached.find(({ isPartial }) => isPartial) ?? reached[0])?.name ?? ''
    const what = `${read.reason} at ${lsnOf(read.next)}, yet the commit clock knows of ${lsnOf(beyond.start)}`
    return [altered(file, what)]
  }
  return clockDefects(ends, inWal)
}

/** What the clock says within WAL that was read whole. Before its first entry and behind its last one it says nothing. */
function clockDefects(
  ends: readonly ClockEntry[],
  inWal: ReadonlyMap<number, ClockEntry>,
): readonly ArchiveDefect[] {
  const wrong = ends.find((entry) => textOf(entry) !== textOf(inWal.get(entry.start)))
  const listed = new Set(ends.map(({ start }) => start))
  const [first, last] = [ends[0], ends.at(-1)]
  const absent = [...inWal.values()].find(
    ({ start }) => start > (first?.start ?? 0) && start < (last?.start ?? 0) && !listed.has(start),
  )
  return [wrong, absent].flatMap((entry) =>
    entry === undefined
      ? []
      : [altered(clockFileName(clockFileOf(entry)), `it differs from the WAL at ${lsnOf(entry.start)}`)],
  )
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
