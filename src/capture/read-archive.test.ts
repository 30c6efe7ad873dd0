import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allEntries } from '../../test/support/clock-entries.ts'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { keepBooks, writeSegments } from '../../test/support/sample-archive.ts'
import { sampleWal } from '../../test/support/sample-wal.ts'
import type { ArchiveReader } from '../ports/recovery-source.ts'
import { readArchive } from './read-archive.ts'
import { isCommit } from './commit-clock.ts'
import { lsnOf } from './wal-position.ts'

const start = 3 << 20

async function archiveOf(commits: number): Promise<MemoryArchive> {
  const archive = new MemoryArchive()
  await writeSegments(archive, sampleWal({ start, commits, workBytes: 60_000 }))
  await keepBooks(archive)
  return archive
}

/** What a reader sees who is overtaken after so many calls: the first archive, from then on the later one. */
function overtaken(before: ArchiveReader, after: ArchiveReader, at: number) {
  let calls = 0
  const now = (): ArchiveReader => ((calls += 1) > at ? after : before)
  const reader: ArchiveReader = {
    name: before.name,
    list: async (folder) => await now().list(folder),
    sizes: async (folder) => await now().sizes(folder),
    sizeOf: async (path) => await now().sizeOf(path),
    read: async (path, offset, length) => await now().read(path, offset, length),
  }
  return { reader, calls: () => calls }
}

test('whenever commits arrive while it is read: every commit that is known lies in front of the end', async () => {
  const before = await archiveOf(10)
  const after = await archiveOf(20)
  const counts = new Set<number>()
  for (let at = 0; ; at += 1) {
    const { reader, calls } = overtaken(before, after, at)
    const read = await readArchive(reader, { backups: () => [], verify: false })
    assert.ok(read !== undefined)
    const { clock, ends, coverage } = read.catalogue
    const known = await allEntries(clock)
    const last = known.findLast(isCommit)
    const end = ends.get(1)?.end ?? 0
    assert.ok(
      last !== undefined && last.end <= end,
      `after ${at} calls: ${lsnOf(last?.end ?? 0)} of ${lsnOf(end)}`,
    )
    assert.ok(last.end <= (coverage[0]?.ranges.at(-1)?.end ?? 0), `after ${at} calls: no WAL of it`)
    counts.add(known.length)
    if (calls() <= at) break
  }
  assert.deepEqual(
    [...counts].toSorted((left, right) => left - right),
    [10, 20],
    'it was overtaken on both sides',
  )
})

test('an archive that nothing was written to is none', async () => {
  assert.equal(await readArchive(new MemoryArchive(), { backups: () => [], verify: false }), undefined)
})

test('an archive of many segments is looked through in as many calls as one of few', async () => {
  const callsFor = async (commits: number): Promise<number> => {
    const archive = await archiveOf(commits)
    const { reader, calls } = overtaken(archive, archive, Number.POSITIVE_INFINITY)
    const read = await readArchive(reader, { backups: () => [], verify: false })
    assert.ok((read?.ledger.entries.length ?? 0) >= Math.floor(commits / 18))
    return calls()
  }
  const [few, many] = [await callsFor(40), await callsFor(400)]
  assert.equal(many, few)
})
