import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHash } from 'node:crypto'
import type { LedgerEntry } from '../capture/archive-ledger.ts'
import { openLedger } from '../capture/ledger-writer.ts'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { fetchSegment, neededSegments } from './fetch-wal.ts'
import type { ReadCopies } from './read-copies.ts'

const segmentBytes = 1 << 20
const lineage = [
  { timeline: 1, end: 5 * segmentBytes + 100 },
  { timeline: 2, end: 5 * segmentBytes + 900 },
  { timeline: 3, end: Number.POSITIVE_INFINITY },
]
const name = (timeline: number, segment: number) =>
  `${timeline.toString(16).padStart(8, '0')}00000000${segment.toString(16).padStart(8, '0')}`
const needed = (from: number, until: number) => neededSegments(lineage, { from, until }, segmentBytes)

test('each place of the history once: of a segment in which a timeline began, its own', () => {
  const [from, until] = [3 * segmentBytes + 40, 6 * segmentBytes + 8]
  // Segments of 1 MiB: 0xfff of them have one log number, so low numbers are the segment itself.
  assert.deepEqual(needed(from, until), [name(1, 3), name(1, 4), name(3, 5), name(3, 6)])
})

test('none of a timeline that began in a segment behind the range', () => {
  assert.deepEqual(needed(4 * segmentBytes, 5 * segmentBytes), [name(1, 4)])
})

const smallBytes = 4096
const system = '7000000000000000001'

/** An archive of small segments, as a recovery has read its ledger before `list` adds to it. */
async function archiveOf(files: Readonly<Record<string, number>>) {
  const archive = new MemoryArchive()
  const put = (file: string, byte: number): void => {
    const content = new Uint8Array(smallBytes).fill(byte)
    archive.files.set(`wal/${file}`, { content, durable: content })
  }
  for (const [file, byte] of Object.entries(files)) put(file, byte)
  const ledger = await openLedger(archive, new VirtualTime().world().clock, system)
  const listed: LedgerEntry[] = []
  const list = async (segment: string, byte: number): Promise<void> => {
    const sha256 = createHash('sha256').update(new Uint8Array(smallBytes).fill(byte)).digest('hex')
    const place = { timeline: 1, firstLsn: '0/0', endLsn: '0/1000' }
    listed.push(await ledger.append({ kind: 'segment', segment, ...place, bytes: smallBytes, sha256 }))
  }
  const identity = { segmentBytes: smallBytes, systemIdentifier: system }
  const copies = () => ({ archive, identity, ledger: [...listed] }) as unknown as ReadCopies
  return { archive, put, list, copies }
}

const [first, second, third] = [name(1, 1), name(1, 2), name(1, 3)]
const refused = (message: RegExp) => ({ code: 'RECOVERY_WAL_DAMAGED', class: 'refused', message })

test('a segment that was received to its end and listed after the ledger was read is compared with the ledger of now', async () => {
  const { list, copies } = await archiveOf({ [first]: 7, [second]: 8 })
  const read = copies()
  await list(first, 7)
  await list(second, 9)
  assert.deepEqual((await fetchSegment(read, first)).isListed, true)
  await assert.rejects(fetchSegment(read, second), refused(/digest is another one/))
})

test('one that the ledger, which is written behind the receiver, does not list yet is taken, and said to be unlisted', async () => {
  const { list, copies } = await archiveOf({ [first]: 7, [second]: 8, [`${third}.partial`]: 9 })
  await list(first, 7)
  const read = copies()
  assert.equal((await fetchSegment(read, first)).isListed, true)
  const { content, isListed } = await fetchSegment(read, second)
  assert.deepEqual([content[0], isListed], [8, false])
  assert.deepEqual((await fetchSegment(read, third)).isListed, false)
})

test('one that the ledger passed over was put there by somebody else', async () => {
  const { list, copies } = await archiveOf({ [first]: 7, [second]: 8, [third]: 9 })
  await list(first, 7)
  await list(third, 9)
  await assert.rejects(fetchSegment(copies(), second), refused(/knows later ones/))
})

test('one that gets its final name while it is read is read again', async () => {
  const { archive, put, list, copies } = await archiveOf({ [`${first}.partial`]: 0 })
  const read = archive.read.bind(archive)
  archive.read = async (path, offset, length) => {
    const bytes = await read(path, offset, length)
    if (path.endsWith('.partial')) {
      archive.files.delete(path)
      put(first, 7)
      await list(first, 7)
    }
    return bytes
  }
  const { content, isListed } = await fetchSegment(copies(), first)
  assert.deepEqual([content[0], isListed], [7, true])
})

test('one that is not there, or not whole under its final name, is refused', async () => {
  const { archive, copies } = await archiveOf({})
  await assert.rejects(fetchSegment(copies(), first), refused(/it is missing/))
  const content = new Uint8Array(100)
  archive.files.set(`wal/${first}`, { content, durable: content })
  await assert.rejects(fetchSegment(copies(), first), refused(/100 of 4096 bytes are there/))
})
