import { Archivist } from '../../src/capture/archivist.ts'
import { archiveFormat, writeIdentity } from '../../src/capture/archive-layout.ts'
import type { ArchiveIdentity } from '../../src/capture/archive-layout.ts'
import { WalWriter } from '../../src/capture/wal-writer.ts'
import type { ArchiveDirectory } from '../../src/ports/archive-directory.ts'
import { SystemClock } from '../../src/platform/system-clock.ts'
import { sampleSegmentBytes, sampleSystem } from './sample-wal.ts'
import type { SampleWal } from './sample-wal.ts'

export const sampleIdentity: ArchiveIdentity = {
  format: archiveFormat,
  systemIdentifier: sampleSystem,
  segmentBytes: sampleSegmentBytes,
}

const silent = { info: () => undefined, warn: () => undefined }

/** What the receiver leaves: segments, the last one growing. */
export async function writeSegments(archive: ArchiveDirectory, wal: SampleWal, timeline = 1): Promise<void> {
  await writeIdentity(archive, sampleIdentity)
  const options = { timeline, segmentBytes: sampleSegmentBytes, start: wal.start, heldUntil: 0 }
  const writer = new WalWriter(archive, { ...options, onSegment: () => undefined })
  await writer.write(wal.start, wal.bytes.subarray(0, wal.end - wal.start))
  await writer.flush()
  await writer.close()
}

/** What stands behind the receiver: ledger and commit clock, as far as the segments go. */
export async function keepBooks(archive: ArchiveDirectory): Promise<void> {
  const archivist = await Archivist.open({ archive, clock: new SystemClock(), log: silent }, sampleIdentity)
  try {
    await archivist.settled()
  } finally {
    await archivist.close()
  }
}
