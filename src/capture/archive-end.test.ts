import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { keepBooks, writeSegments } from '../../test/support/sample-archive.ts'
import { sampleSegmentBytes as segmentBytes, sampleSystem, sampleWal } from '../../test/support/sample-wal.ts'
import { WalLayout } from '../../test/support/wal-layout.ts'
import { archiveEnds } from './archive-end.ts'
import { loadLedger } from './ledger-writer.ts'
import { lsnOf, segmentName } from './wal-position.ts'

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

test('a segment that was ended early leads to the next one', async () => {
  const archive = new MemoryArchive()
  const ended = sampleWal({ start, commits: 3, workBytes: 300, endSegmentBefore: 2 })
  await writeSegments(archive, ended)
  const found = (await archiveEnds(archive, segmentBytes)).get(1)
  assert.equal(found?.end, ended.end)
  assert.ok((found?.lastRecord ?? 0) > start + segmentBytes)
})

/** Timeline 1 was left for timeline 2 within its second segment, and the ledger says so. */
async function left(): Promise<MemoryArchive> {
  const archive = new MemoryArchive()
  await writeSegments(archive, wal)
  const next = sampleWal({ timeline: 2, start: start + segmentBytes, commits: 4, workBytes: 900 })
  await writeSegments(archive, next, 2)
  const content = Buffer.from(`1\t${lsnOf(wal.end)}\tno recovery target specified\n`)
  archive.files.set('wal/00000002.history', { content, durable: content })
  await keepBooks(archive)
  return archive
}

async function read(archive: MemoryArchive) {
  const { entries } = await loadLedger(archive)
  let bytes = 0
  const counted = Object.create(archive) as MemoryArchive
  counted.read = async (path, offset, length) => {
    const piece = await archive.read(path, offset, length)
    if (path.includes('/00000001')) bytes += piece.length
    return piece
  }
  const short = await archiveEnds(counted, segmentBytes, entries)
  return { short, bytes, whole: await archiveEnds(archive, segmentBytes) }
}

test('of a timeline that was left only the last records are read, and they say the same as all of it', async () => {
  const { short, whole, bytes } = await read(await left())
  assert.deepEqual(short, whole)
  assert.ok(bytes > 0 && bytes < 300 << 10, `${bytes} bytes of timeline 1`)
})

test('a left timeline that grew again, or whose last records are damaged, is read whole', async () => {
  for (const change of ['grown', 'torn', 'short'] as const) {
    const archive = await left()
    const name = `wal/${segmentName(1, start + segmentBytes, segmentBytes)}.partial`
    const file = await archive.open(name)
    const size = wal.end - start - segmentBytes
    if (change === 'torn') await file.write(size - 512, new Uint8Array(512))
    if (change === 'short') await file.resize(size - 20_000)
    if (change === 'grown') {
      const more = sampleWal({ start, commits: 17, workBytes: 90_000 })
      await file.write(0, more.bytes.subarray(segmentBytes, more.end - start))
    }
    const { short, whole } = await read(archive)
    assert.deepEqual(short, whole, change)
    assert.equal(Math.sign((short.get(1)?.end ?? 0) - wal.end), change === 'grown' ? 1 : -1, change)
  }
})

test('of segments of any length a few megabytes at a time are held, one timeline after the other', async () => {
  const longBytes = 16 << 20
  let [held, most, all] = [0, 0, 0]
  class Counting extends MemoryArchive {
    override async read(path: string, offset: number, length: number): Promise<Uint8Array> {
      const bytes = await super.read(path, offset, length)
      held += bytes.length
      all += bytes.length
      most = Math.max(most, held)
      await new Promise((resolve) => setImmediate(resolve))
      held -= bytes.length
      return bytes
    }
  }
  const archive = new Counting()
  const timelines = [1, 2, 3, 4, 5, 6]
  const starts = new Map<number, number>()
  for (const timeline of timelines) {
    const content = new Uint8Array(longBytes)
    const at = { timeline, start: 5 * longBytes, segmentBytes: longBytes, system: sampleSystem }
    const layout = new WalLayout(content, at)
    for (let index = 0; index < 100; index++)
      starts.set(timeline, layout.put({ xid: 7, manager: 10, main: new Uint8Array(90_000).fill(index) }))
    const name = segmentName(timeline, 5 * longBytes, longBytes)
    archive.files.set(`wal/${name}.partial`, { content, durable: content })
  }
  const ends = await archiveEnds(archive, longBytes)
  assert.deepEqual(
    [...ends.values()].map(({ timeline, lastRecord, reason }) => [timeline, lastRecord, reason]),
    [...starts].map(([timeline, record]) => [timeline, record, 'zeros']),
  )
  assert.ok(most <= 4 << 20, `${most} bytes at once`)
  assert.ok(all < timelines.length * (13 << 20), `${all} bytes in all: not what lies behind the end`)
})
