import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readClock } from '../../test/support/clock-entries.ts'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { sampleIdentity, writeSegments } from '../../test/support/sample-archive.ts'
import { sampleSegmentBytes, sampleWal } from '../../test/support/sample-wal.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { writeIdentity } from './archive-layout.ts'
import { Archivist } from './archivist.ts'

const silent = { info: () => undefined, warn: () => undefined }

/** Notes how many bytes each write to the clock has. */
class WatchedArchive extends MemoryArchive {
  readonly clockWrites: number[] = []

  override async open(path: string) {
    const file = await super.open(path)
    if (!path.startsWith('clock/')) return file
    return {
      ...file,
      write: async (offset: number, bytes: Uint8Array) => {
        this.clockWrites.push(bytes.length)
        await file.write(offset, bytes)
      },
    }
  }
}

test('an archivist that is far behind holds the commits of a few megabytes of WAL at a time, not all of them', async () => {
  const archive = new WatchedArchive()
  await writeIdentity(archive, sampleIdentity)
  const { clock } = new VirtualTime().world()
  const archivist = await Archivist.open({ archive, clock, log: silent }, sampleIdentity)
  const start = 3 * sampleSegmentBytes
  const wal = sampleWal({ start, commits: 90_000, workBytes: 100 })
  await writeSegments(archive, wal)
  const progress = { written: wal.end, flushed: wal.end, serverEnd: wal.end, serverTimeMicroseconds: 1 }
  archivist.note({ kind: 'progress', timeline: 1, ...progress })
  await archivist.settled()
  await archivist.close()
  const commits = (await readClock(archive, sampleIdentity)).filter(({ kind }) => kind === 'commit')
  assert.deepEqual(
    commits.map(({ xid }) => xid),
    wal.commits.map(({ xid }) => xid),
  )
  const total = archive.clockWrites.reduce((sum, bytes) => sum + bytes, 0)
  assert.ok(wal.end - start > 14 * 1024 * 1024)
  assert.ok(
    Math.max(...archive.clockWrites) < 0.4 * total,
    `writes of ${archive.clockWrites.join(', ')} bytes`,
  )
})
