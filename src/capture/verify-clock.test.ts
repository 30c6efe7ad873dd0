import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { readClock } from '../../test/support/clock-entries.ts'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { keepBooks, sampleIdentity, writeSegments } from '../../test/support/sample-archive.ts'
import { sampleWal } from '../../test/support/sample-wal.ts'
import { decodeSummary, encodeSummary, summaryBytes } from './clock-summary.ts'
import { ClockWriter } from './clock-writer.ts'
import type { ClockEntry } from './commit-clock.ts'
import { verifyClock } from './verify-clock.ts'

const clockPath = 'clock/00000001-00000000.clock'

suite('a commit clock beside its WAL', () => {
  let archive: MemoryArchive
  let entries: readonly ClockEntry[]

  beforeEach(async () => {
    archive = new MemoryArchive()
    await writeSegments(archive, sampleWal({ start: 3 << 20, commits: 200, workBytes: 40_000 }))
    await keepBooks(archive)
    entries = await readClock(archive, sampleIdentity)
    assert.equal(entries.length, 200)
  })

  /** Writes another clock in its place; every sum in it is right. */
  async function forge(forged: readonly ClockEntry[]): Promise<void> {
    archive.files.delete(clockPath)
    const writer = new ClockWriter(archive, sampleIdentity)
    await writer.append(forged)
    await writer.close()
  }

  async function findings(): Promise<readonly string[]> {
    const found = await verifyClock(archive, sampleIdentity, new Set())
    return found.map(({ file, problem }) => `${file} ${problem}`)
  }

  const named = ['00000001-00000000.clock altered']

  test('nothing is found in what was written, and in one that is behind', async () => {
    assert.deepEqual(await findings(), [])
    await forge(entries.slice(0, 120))
    assert.deepEqual(await findings(), [])
    await forge(entries.slice(60))
    assert.deepEqual(await findings(), [], 'it began later than the WAL')
  })

  test('an entry that was taken out, added or changed is found, though its sums are right', async () => {
    for (const at of [1, 77, 198]) {
      await forge(entries.filter((_, index) => index !== at))
      assert.deepEqual(await findings(), named, `${at} is gone`)
      const changed = { ...(entries[at] as ClockEntry), xid: 4_000_000 }
      await forge(entries.with(at, changed))
      assert.deepEqual(await findings(), named, `${at} is another`)
      const added = { ...(entries[at] as ClockEntry), start: (entries[at]?.start ?? 0) + 8 }
      await forge(entries.toSpliced(at + 1, 0, added))
      assert.deepEqual(await findings(), named, `one was added behind ${at}`)
    }
    await forge([{ ...(entries[0] as ClockEntry), timeMicroseconds: 7 }, ...entries.slice(1)])
    assert.deepEqual(await findings(), named)
  })

  test('a summary that says something else than the entries is found, though its sum is right', async () => {
    const path = 'clock/00000007-00000000.clock'
    const writer = new ClockWriter(archive, sampleIdentity)
    const own = entries.map((entry) => ({ ...entry, timeline: 7 }))
    await writer.append([...own, { ...(own[0] as ClockEntry), start: 2 ** 32 + 8, end: 2 ** 32 + 48 }])
    await writer.close()
    assert.deepEqual(await findings(), [])
    const file = archive.files.get(path)
    assert.ok(file)
    const at = file.content.length - summaryBytes
    const summary = decodeSummary(file.content.subarray(at), at)
    assert.equal(summary?.commits, 200)
    file.content.set(encodeSummary({ ...summary, commits: 199 }, at), at)
    assert.deepEqual(await findings(), ['00000007-00000000.clock altered'])
    file.content.set(encodeSummary(summary, at + 1), at)
    assert.deepEqual(await findings(), ['00000007-00000000.clock altered'], 'the summary of another place')
  })

  test('what the clock knows and the growing segment no longer holds is the fault of the segment', async () => {
    const partial = [...archive.files].find(([name]) => name.endsWith('.partial'))
    assert.ok(partial)
    const [name, file] = partial
    file.content.fill(0, 100_000)
    assert.deepEqual(await findings(), [`${name.slice('wal/'.length)} altered`])
  })
})
