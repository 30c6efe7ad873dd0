import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isCommit } from '../../src/capture/commit-clock.ts'
import { loadRelationNames } from '../../src/capture/relation-names.ts'
import { resolveInArchive } from '../../src/capture/resolve-in-archive.ts'
import { resolveTarget } from '../../src/capture/resolve-target.ts'
import type { SuspiciousTransaction } from '../../src/capture/suspicious-transactions.ts'
import { SuspicionFinder } from '../../src/capture/suspicious-transactions.ts'
import { positionOf } from '../../src/capture/wal-position.ts'
import { readWal } from '../../src/capture/wal-reader.ts'
import { parseLsn } from '../../src/domain/lsn.ts'
import { prepareEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import type { ReadCopies } from '../../src/recovery/read-copies.ts'
import {
  connectClient,
  eventually,
  requireSystemPostgres,
  sql,
  systemPostgres,
} from '../support/postgres-estate.ts'
import { clockOf } from '../support/clock-entries.ts'
import { RecoveryBed } from '../support/recovery-bed.ts'

const precious = 'Prä "cious'
const quoted = `"${precious.replaceAll('"', '""')}"`

// DROP DATABASE marks the database as invalid and removes its files long before it is committed: just before the commit is too late.
describe('a dropped database comes back whole', () => {
  for (const major of [15, 18])
    test(`PostgreSQL ${major}, while others commit`, async (t) => {
      const binaries = mkdtempSync(join(tmpdir(), 'pointzero-dropped-'))
      t.after(() => rmSync(binaries, { recursive: true, force: true }))
      const bed = await RecoveryBed.open(await binOf(major, binaries))
      try {
        await comesBack(bed)
      } finally {
        await bed.close()
      }
    })
})

async function comesBack(bed: RecoveryBed): Promise<void> {
  await sql(bed.node, 'create table others (id serial primary key)')
  await sql(bed.node, `create database ${quoted}`)
  await inside(bed, 'create table jewels as select g as id from generate_series(1, 300) g')
  await bed.backUp()
  await eventually('its name is noted', async () => {
    const { last } = await loadRelationNames((await bed.copies()).archive)
    return last.some(({ databaseName }) => databaseName === precious) || undefined
  })
  // The next change of a page carries all of it, and not the row that was changed.
  await sql(bed.node, 'checkpoint')
  const dropped = sql(bed.node, `drop database ${quoted}`)
  let isDropped = false
  void dropped.finally(() => (isDropped = true)).catch(() => undefined)
  while (!isDropped) await sql(bed.node, 'insert into others default values')
  await dropped
  await sql(bed.node, 'insert into others default values')
  await bed.caughtUp()

  const copies = await bed.copies()
  const { xid, commitLsn, name, timeMicroseconds } = await databaseDrop(copies)
  assert.equal(name, precious)
  const goal = await bed.goal({ kind: 'xid', xid })
  const tooLate = await resolveTarget(copies.catalogue, { kind: 'xid', xid })
  assert.equal(tooLate.reached, commitLsn)
  assert.ok(positionOf(goal.reached) < positionOf(tooLate.reached))
  const { avoidedDrop, undoneEarlierCommits } = await resolveInArchive(copies, {
    kind: 'time',
    microseconds: timeMicroseconds - 1,
  })
  assert.deepEqual(avoidedDrop, { xid, instead: commitLsn })
  assert.equal((await bed.goal({ kind: 'lsn', lsn: parseLsn(commitLsn) })).lsn, goal.lsn)
  const after = await resolveInArchive(copies, { kind: 'time', microseconds: timeMicroseconds })
  assert.equal(after.avoidedDrop, undefined)
  const newest = copies.catalogue.coverage.at(-1)
  assert.ok(newest !== undefined)
  const within = (await clockOf(copies.catalogue.clock, newest)).filter(
    (entry) =>
      isCommit(entry) &&
      entry.start >= positionOf(goal.reached) &&
      entry.start < positionOf(parseLsn(commitLsn)),
  )
  assert.equal(undoneEarlierCommits, within.length, 'what others committed meanwhile is undone, and said')

  const recovery = bed.recovery()
  const run = 'run_database'
  await recovery.restore(run, goal)
  await recovery.replay(run, goal)
  await recovery.check(run, goal, [])
  await recovery.export(run, goal)
  await bed.node.member.stopClean()
  await recovery.finish(run, goal)
  await recovery.install(run)
  await bed.node.member.startAsStandby()
  await bed.node.member.promote()
  const [row] = await inside(bed, 'select count(*)::int as rows from jewels')
  assert.equal(row?.['rows'], 300)
}

async function binOf(major: number, directory: string): Promise<string> {
  if (major === 18) return await prepareEmbeddedPostgres(directory)
  requireSystemPostgres()
  return systemPostgres
}

async function inside(bed: RecoveryBed, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = await connectClient(bed.node, { database: precious })
  try {
    return (await client.query(text)).rows as readonly Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

async function databaseDrop(copies: ReadCopies): Promise<SuspiciousTransaction> {
  const finder = new SuspicionFinder(1, await loadRelationNames(copies.archive))
  const { segmentBytes } = copies.identity
  const from = positionOf(copies.catalogue.backups[0]?.startLsn ?? parseLsn('0/0'))
  const timeline = copies.catalogue.coverage.at(-1)?.timeline ?? 0
  const stretch = { timeline, segmentBytes, from, until: Number.POSITIVE_INFINITY }
  await readWal(copies.archive, stretch, (record) => finder.see(record))
  const found = finder.found.find(({ kind }) => kind === 'drop-database')
  assert.ok(found !== undefined, JSON.stringify(finder.found))
  return found
}
