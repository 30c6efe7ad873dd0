import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { RecoveryBed } from '../support/recovery-bed.ts'
import { requireSystemPostgres, sql, systemPostgres } from '../support/postgres-estate.ts'

describe('a database of PostgreSQL 15 is brought back beside itself', () => {
  let bed: RecoveryBed

  before(async () => {
    requireSystemPostgres()
    bed = await RecoveryBed.open(systemPostgres)
    await sql(bed.node, 'create table kept (id bigserial primary key, body text)')
    await sql(bed.node, 'create table dropped as select g as id from generate_series(1, 500) g')
    await sql(bed.node, `insert into kept (body) select 'before the backup' from generate_series(1, 100)`)
    await bed.backUp()
    await sql(bed.node, `insert into kept (body) select 'after the backup' from generate_series(1, 100)`)
  })

  after(async () => bed.close())

  test('to just before the transaction that dropped a table; what came later is saved, and no number is given twice', async () => {
    const [row] = await sql(
      bed.node,
      `insert into kept (body) values ('the last good one') returning id::text`,
    )
    assert.equal(row?.['id'], '201')
    await sql(bed.node, 'drop table dropped')
    await sql(bed.node, `insert into kept (body) select 'undone ' || g from generate_series(1, 40) g`)
    await bed.caughtUp()
    const copies = await bed.copies()
    const dropXid = await xidOfDrop(bed)
    const goal = await bed.goal({ kind: 'xid', xid: dropXid })
    assert.ok(copies.snapshots.length === 1)
    const run = 'run_first'
    const recovery = bed.recovery()
    const resolved = await recovery.resolve(goal)
    assert.ok(Number(resolved['commitsAfter']) >= 2, JSON.stringify(resolved))

    await Promise.all([
      recovery.export(run, goal),
      (async () => {
        await recovery.restore(run, goal)
        await recovery.replay(run, goal)
        await recovery.check(run, goal, [
          {
            name: 'the last good row is there',
            query: `select count(*) from kept where body = 'the last good one'`,
            equals: '1',
          },
          { name: 'the table is there', query: 'select count(*) from dropped', equals: '500' },
        ])
      })(),
    ])
    const exported = await recovery.report(run, 'exported')
    assert.equal(exported?.['rows'], 40, JSON.stringify(exported))
    const lines = (await readFile(exported?.['file'] as string, 'utf8')).trim().split('\n')
    assert.equal(lines.length, 40)
    assert.match(
      JSON.stringify(exported?.['notExported']),
      /exchange\.public\.dropped: dropped or emptied|file \d+ of database/,
    )
    const checked = await recovery.report(run, 'checked')
    assert.ok(Number(checked?.['indexesCompared']) > 50, JSON.stringify(checked))
    assert.ok(Number(checked?.['timeline']) > 1)

    await bed.node.member.stopClean()
    await recovery.finish(run, goal)
    const finished = await recovery.report(run, 'finished')
    assert.match(JSON.stringify(finished?.['sequences']), /kept_id_seq/)
    await recovery.install(run)
    assert.ok(existsSync(`${bed.node.config.dataDirectory}.kept-1`))
    await bed.node.member.startAsStandby()
    await bed.node.member.promote()
    const after = await sql(bed.node, `insert into kept (body) values ('new') returning id::int`)
    assert.ok(Number(after[0]?.['id']) > 241, `the next id is ${String(after[0]?.['id'])}`)
    const rows = await sql(bed.node, `select count(*)::int as rows from kept where body like 'undone%'`)
    assert.equal(rows[0]?.['rows'], 0)
    assert.equal((await sql(bed.node, 'select count(*)::int as rows from dropped'))[0]?.['rows'], 500)
  })
})

async function xidOfDrop(bed: RecoveryBed): Promise<number> {
  const { SuspicionFinder } = await import('../../src/capture/suspicious-transactions.ts')
  const { readWal } = await import('../../src/capture/wal-reader.ts')
  const { positionOf } = await import('../../src/capture/wal-position.ts')
  const copies = await bed.copies()
  const finder = new SuspicionFinder({ minRows: 1, nameOf: () => undefined })
  const from = positionOf(copies.catalogue.backups[0]?.startLsn ?? ('0/0' as never))
  const { segmentBytes } = copies.identity
  const until = Number.POSITIVE_INFINITY
  await readWal(
    copies.archive,
    { timeline: copies.catalogue.coverage.at(-1)?.timeline ?? 0, segmentBytes, from, until },
    (record) => finder.see(record),
  )
  const found = finder.found.filter(({ kind }) => kind === 'drop')
  assert.equal(new Set(found.map(({ xid }) => xid)).size, 1, JSON.stringify(finder.found))
  return found[0]?.xid ?? 0
}
