import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allEntries } from '../../test/support/clock-entries.ts'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { sampleIdentity } from '../../test/support/sample-archive.ts'
import { openClock } from './clock-reader.ts'
import { ClockWriter } from './clock-writer.ts'
import type { ClockEntry } from './commit-clock.ts'

const logBytes = 2 ** 32
const long = Array.from({ length: 400_000 }, (_, index) => index)

function entry(index: number, start: number, more: Partial<ClockEntry> = {}): ClockEntry {
  const base = { kind: 'commit', timeline: 1, subtransactions: [], name: '' } as const
  return { ...base, start, end: start + 40, xid: index, timeMicroseconds: 5_000_000 + index, ...more }
}

/** Three files: 100,000 entries, a few of them longer than what is read at once, and a short one. */
function written(): readonly ClockEntry[] {
  const first = Array.from({ length: 100_000 }, (_, index) =>
    entry(index, 4096 + index * 64, index % 7 === 0 ? { subtransactions: [index, index + 1] } : {}),
  )
  const second = [1, 2, 3].map((index) => entry(index, logBytes + index * 64, { subtransactions: long }))
  return [...first, ...second, entry(9, 3 * logBytes, { kind: 'restore-point', name: 'before ✓', xid: 0 })]
}

/** Notes how much is asked for at once. */
class WatchedArchive extends MemoryArchive {
  readonly reads: { readonly path: string; readonly length: number }[] = []

  override async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    this.reads.push({ path, length })
    return await super.read(path, offset, length)
  }
}

async function clockOf(entries: readonly ClockEntry[]): Promise<WatchedArchive> {
  const archive = new WatchedArchive()
  const writer = new ClockWriter(archive, sampleIdentity)
  await writer.append(entries)
  await writer.close()
  archive.reads.length = 0
  return archive
}

test('a clock is read in pieces of a megabyte, and says what was written, entries longer than a piece too', async () => {
  const entries = written()
  const archive = await clockOf(entries)
  const clock = await openClock(archive, sampleIdentity)
  assert.equal(clock.files.length, 3)
  assert.deepEqual(await allEntries(clock), entries)
  const ofFirst = archive.reads.filter(({ path }) => path === 'clock/00000001-00000000.clock')
  assert.ok(ofFirst.length > 3 && ofFirst.every(({ length }) => length <= 1 << 20))
  assert.ok(archive.reads.every(({ length }) => length < 3 << 20))
})

test('who wants the end of a clock reads no file that lies before it', async () => {
  const entries = written()
  const archive = await clockOf(entries)
  const clock = await openClock(archive, sampleIdentity)
  const found: ClockEntry[] = []
  for await (const some of clock.entries(1, { from: logBytes + 100 })) found.push(...some)
  assert.deepEqual(found, entries.slice(100_000))
  assert.ok(archive.reads.every(({ path }) => path !== 'clock/00000001-00000000.clock'))
})

test('what is written behind its opening is not in a clock, and behind a torn or changed entry nothing of the timeline is', async () => {
  const entries = written()
  const archive = await clockOf(entries)
  const early = await openClock(archive, sampleIdentity)
  const writer = new ClockWriter(archive, sampleIdentity)
  await writer.append([entry(10, 3 * logBytes + 64), entry(11, 5 * logBytes)])
  await writer.close()
  assert.deepEqual(await allEntries(early), entries)
  const file = archive.files.get('clock/00000001-00000000.clock')
  assert.ok(file)
  for (const at of [0, 9, 31, 32, 33, 1_000_003, 1 << 20, (1 << 20) + 32, 3_000_000]) {
    file.content[at] = (file.content[at] as number) ^ 4
    const believed = await allEntries(await openClock(archive, sampleIdentity))
    assert.ok(believed.length < 100_000, `byte ${at}`)
    assert.deepEqual(believed, entries.slice(0, believed.length))
    file.content[at] ^= 4
  }
  file.content = file.content.slice(0, 2_000_001)
  const torn = await allEntries(await openClock(archive, sampleIdentity))
  assert.ok(torn.length > 50_000)
  assert.deepEqual(torn, entries.slice(0, torn.length))
})

test('what was read for one question is there for the next one, and no more than a few megabytes of it', async () => {
  const few = await clockOf([entry(1, 4096), entry(2, 4160)])
  const small = await openClock(few, sampleIdentity)
  for (let question = 0; question < 5; question++) await allEntries(small)
  assert.equal(few.reads.length, 1)
  const many = Array.from({ length: 700_000 }, (_, index) => entry(index, 4096 + index * 64))
  const archive = await clockOf(many)
  const large = await openClock(archive, sampleIdentity)
  assert.equal((await allEntries(large)).length, many.length)
  const once = archive.reads.length
  assert.ok(once > 20)
  await allEntries(large)
  assert.equal(archive.reads.length, 2 * once)
})
