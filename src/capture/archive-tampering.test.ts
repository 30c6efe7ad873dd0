import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readClock } from '../../test/support/clock-entries.ts'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { keepBooks, writeSegments } from '../../test/support/sample-archive.ts'
import { sampleWal } from '../../test/support/sample-wal.ts'
import { seededEffects } from '../../test/support/sample-vault.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { archiveCoverage } from './archive-coverage.ts'
import { archiveEnds } from './archive-end.ts'
import { readHistories, readIdentity } from './archive-layout.ts'
import { openClock } from './clock-reader.ts'
import { loadLedger } from './ledger-writer.ts'
import type { RecoveryCatalogue } from './recovery-points.ts'
import { resolveTarget } from './resolve-target.ts'
import { listed, verifyArchive } from './verify-archive.ts'
import { verifyWhole } from './verify-whole.ts'
import { lsnOf } from './wal-position.ts'

const firstWal = sampleWal({ start: 3 << 20, commits: 30, workBytes: 40_000 })
const fork = firstWal.commits[10]?.start ?? 0
const secondWal = sampleWal({ timeline: 2, start: 3 << 20, commits: 30, workBytes: 40_000, seed: 77 })

/** Two histories: the second one leaves the first at its 11th commit. */
async function archiveOfTwo(): Promise<MemoryArchive> {
  const archive = new MemoryArchive()
  await writeSegments(archive, firstWal)
  await keepBooks(archive)
  const history = Buffer.from(`1\t${lsnOf(fork)}\tno recovery target specified\n`)
  archive.files.set('wal/00000002.history', { content: history, durable: history })
  await writeSegments(archive, secondWal, 2)
  await keepBooks(archive)
  return archive
}

/** Everything that is wrong with an archive, as text. */
async function findings(archive: MemoryArchive): Promise<string> {
  try {
    const identity = await readIdentity(archive)
    if (identity === undefined) return 'FORMAT is gone'
    const { entries, defects, unfinishedAt } = await loadLedger(archive)
    const found = await verifyWhole(archive, identity, entries)
    return [
      ...defects.map(({ line, what }) => `ledger, line ${line}: ${what}`),
      ...(unfinishedAt === undefined ? [] : [`ledger ends unfinished at ${unfinishedAt}`]),
      ...found.map(({ file, problem, detail }) => `${file} ${problem} ${detail}`),
    ].join('\n')
  } catch (error) {
    if (!(error instanceof RecoveryError)) throw error
    return error.message
  }
}

async function catalogueOf(archive: MemoryArchive): Promise<RecoveryCatalogue> {
  const identity = await readIdentity(archive)
  assert.ok(identity)
  const { segmentBytes } = identity
  const { entries } = await loadLedger(archive)
  const defects = listed(await verifyArchive(archive, segmentBytes, entries, false))
  const ends = await archiveEnds(archive, segmentBytes)
  const damaged = new Set(defects.map(({ file }) => file))
  const histories = await readHistories(archive)
  return {
    coverage: archiveCoverage({ segmentBytes, entries, histories, ends, damaged }),
    clock: await openClock(archive, identity),
    ends,
    backups: [{ id: 'b1', timeline: 1, startLsn: lsnOf(3 << 20), endLsn: lsnOf((3 << 20) + 500) }],
  }
}

test('any byte that changes in ledger, clock, segment or history is found, and the file is named', async () => {
  const archive = await archiveOfTwo()
  assert.equal(await findings(archive), '')
  const { random } = seededEffects('archive flips')
  const names = [...archive.files.keys()].filter((name) => !name.startsWith('wal/spare'))
  const kinds = ['ledger', 'FORMAT', '.clock', '.history', '.partial', '000000010000000000000003']
  assert.ok(
    kinds.every((kind) => names.some((name) => name.endsWith(kind))),
    names.join(' '),
  )
  let flips = 0
  for (let round = 0; round < 200; round++) {
    const name = names[round % names.length] as string
    const { content } = archive.files.get(name) as { readonly content: Uint8Array }
    // What a growing segment holds behind its last record, and padding between records, mean nothing to anybody.
    const end = name.endsWith('.partial') ? meaningfulBytes(name) : content.length
    const at = Buffer.from(random.bytes(6)).readUIntBE(0, 6) % end
    if (name.endsWith('.partial') && content[at] === 0) continue
    const bit = 1 << random.integer(8)
    content[at] = (content[at] as number) ^ bit
    const found = await findings(archive)
    const short = name.slice(name.indexOf('/') + 1)
    assert.ok(found.includes(short), `bit ${bit} of byte ${at} of ${name}: ${found}`)
    content[at] ^= bit
    flips += 1
  }
  assert.ok(flips >= 150, `${flips} flips`)
  assert.equal(await findings(archive), '')
})

/** Up to the last commit: the clock knows it. */
function meaningfulBytes(name: string): number {
  const wal = name.includes('/00000001') ? firstWal : secondWal
  return (wal.commits.at(-1)?.start ?? 0) % (1 << 20)
}

test('a history file that is changed or gone is never passed over for an older history', async () => {
  const archive = await archiveOfTwo()
  const end = await resolveTarget(await catalogueOf(archive), { kind: 'end' })
  assert.equal(end.timeline, 2)
  const history = archive.files.get('wal/00000002.history')
  assert.ok(history)
  history.content[3] = (history.content[3] as number) ^ 1
  const refusal = { code: 'TARGET_UNREACHABLE', message: /history file of timeline 2 is missing or damaged/ }
  const changed = await catalogueOf(archive)
  await assert.rejects(resolveTarget(changed, { kind: 'end' }), refusal)
  archive.files.delete('wal/00000002.history')
  const gone = await catalogueOf(archive)
  await assert.rejects(resolveTarget(gone, { kind: 'end' }), refusal)
  assert.equal((await resolveTarget(gone, { kind: 'end', timeline: 1 })).timeline, 1)
})

test('behind a clock file that is not whole no time is resolved, not even one that a later file knows', async () => {
  const archive = new MemoryArchive()
  const logBytes = 0x1_0000_0000
  const early = sampleWal({ start: logBytes - (2 << 20), commits: 60, workBytes: 40_000 })
  await writeSegments(archive, early)
  await keepBooks(archive)
  const clocks = [...archive.files.keys()].filter((name) => name.endsWith('.clock'))
  assert.equal(clocks.length, 2, 'the clock goes over into a second file')
  const identity = await readIdentity(archive)
  assert.ok(identity)
  const whole = await readClock(archive, identity)
  const first = archive.files.get(clocks[0] as string)
  assert.ok(first)
  first.content[first.content.length - 10] = (first.content[first.content.length - 10] as number) ^ 1
  const believed = await readClock(archive, identity)
  assert.ok(believed.length < whole.length)
  assert.ok(believed.every(({ start }) => start < logBytes))
  // The next process that captures makes it again.
  await keepBooks(archive)
  assert.deepEqual(await readClock(archive, identity), whole)
})
