import type { ArchiveIdentity } from '../../src/capture/archive-layout.ts'
import { visitAll } from '../../src/capture/clock-history.ts'
import { openClock } from '../../src/capture/clock-reader.ts'
import type { CommitClock } from '../../src/capture/clock-reader.ts'
import { clockFileOf } from '../../src/capture/commit-clock.ts'
import type { ClockEntry } from '../../src/capture/commit-clock.ts'
import type { LineagePart } from '../../src/capture/timeline-lineage.ts'
import type { ArchiveReader } from '../../src/ports/recovery-source.ts'

/** A clock of few entries, in memory. */
export function memoryClock(entries: readonly ClockEntry[]): CommitClock {
  const files = new Map(
    entries.map(clockFileOf).map((file) => [`${file.timeline}-${file.log}`, file] as const),
  )
  return {
    files: [...files.values()].toSorted(
      (left, right) => left.timeline - right.timeline || left.log - right.log,
    ),
    entries: async function* (timeline) {
      yield entries.filter((entry) => entry.timeline === timeline)
    },
  }
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
