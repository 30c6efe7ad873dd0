import type { ArchiveIdentity } from '../../src/capture/archive-layout.ts'
import { visitAll } from '../../src/capture/clock-history.ts'
import { ClockWriter } from '../../src/capture/clock-writer.ts'
import { openClock } from '../../src/capture/clock-reader.ts'
import type { CommitClock } from '../../src/capture/clock-reader.ts'
import { clockFileName, clockFileOf, isFileOf, parseClockFileName } from '../../src/capture/commit-clock.ts'
import type { ClockEntry } from '../../src/capture/commit-clock.ts'
import type { LineagePart } from '../../src/capture/timeline-lineage.ts'
import type { ArchiveReader } from '../../src/ports/recovery-source.ts'
import { MemoryArchive } from './memory-archive.ts'
import { sampleIdentity } from './sample-archive.ts'

/** A clock of few entries, in memory, without summaries. */
export function memoryClock(entries: readonly ClockEntry[]): CommitClock {
  const inFiles = Map.groupBy(entries, (entry) => clockFileName(clockFileOf(entry)))
  const names = [...inFiles.keys()].toSorted()
  const files = names.flatMap((name) => parseClockFileName(name) ?? [])
  return {
    files,
    entries: async function* (timeline, { from = 0, until = Number.POSITIVE_INFINITY } = {}) {
      for (const file of files) {
        if (file.timeline === timeline && isFileOf(file, from, until))
          yield inFiles.get(clockFileName(file)) ?? []
      }
    },
  }
}

/** As it is in an archive: every file but the last of a timeline has its summary. */
export async function writtenClock(entries: readonly ClockEntry[]): Promise<CommitClock> {
  const archive = new MemoryArchive()
  const writer = new ClockWriter(archive, sampleIdentity)
  await writer.append(entries)
  await writer.close()
  return await openClock(archive, sampleIdentity)
}

/** All of a clock, one timeline after the other. */
export async function allEntries(clock: CommitClock): Promise<readonly ClockEntry[]> {
  const found: ClockEntry[] = []
  for (const timeline of new Set(clock.files.map((file) => file.timeline)))
    for await (const entries of clock.entries(timeline)) found.push(...entries)
  return found
}

export async function readClock(
  archive: ArchiveReader,
  identity: ArchiveIdentity,
): Promise<readonly ClockEntry[]> {
  return await allEntries(await openClock(archive, identity))
}

/** Those of one history, in the order of its WAL. */
export async function clockOf(
  clock: CommitClock,
  { lineage }: { readonly lineage: readonly LineagePart[] },
): Promise<readonly ClockEntry[]> {
  const found: ClockEntry[] = []
  await visitAll(clock, lineage, (entry) => found.push(entry))
  return found
}
