import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { writeSegments } from '../../test/support/sample-archive.ts'
import { sampleSegmentBytes as segmentBytes, sampleWal } from '../../test/support/sample-wal.ts'
import { archiveEnds } from './archive-end.ts'
import { segmentName } from './wal-position.ts'

const start = 5 * segmentBytes
/** A record of 90 kB goes over the end of the first segment; more follow it. */
const wal = sampleWal({ start, commits: 16, workBytes: 90_000 })

async function torn(position: number): Promise<{ readonly end: number; readonly receivedTo: number }> {
  const archive = new MemoryArchive()
  await writeSegments(archive, wal)
  const isFirst = position < start + segmentBytes
  const name = segmentName(1, position, segmentBytes)
  const file = await archive.open(`wal/${name}${isFirst ? '' : '.partial'}`)
  await file.write(position % segmentBytes, new Uint8Array(512))
  await file.close()
  const end = (await archiveEnds(archive, segmentBytes)).get(1)
  assert.ok(end !== undefined)
  return end
}

test('a growing segment that lost a sector of the record that goes over into it is received again from its start', async () => {
  const { end, receivedTo } = await torn(start + segmentBytes + 1024)
  assert.ok(end < start + segmentBytes)
  assert.equal(receivedTo, start + segmentBytes)
})

test('a whole segment that is damaged inside is no reason to receive the growing one again', async () => {
  const { receivedTo } = await torn(start + 100_000)
  assert.equal(receivedTo, wal.end)
})
