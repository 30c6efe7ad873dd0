import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync } from 'node:fs'
import { copyFile, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { SuspicionFinder } from '../../src/capture/suspicious-transactions.ts'
import { positionOf, segmentName } from '../../src/capture/wal-position.ts'
import { readWal } from '../../src/capture/wal-reader.ts'
import { parseLsn } from '../../src/domain/lsn.ts'
import { prepareEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import type { DatabaseRecovery, RecoveryGoal } from '../../src/ports/database-recovery.ts'
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
    await sql(bed.node, 'create unlogged table scratch as select 1 as one')
    // Loaded at the next start: by the copy, if it took its settings from production.
    await sql(bed.node, 'alter system set archive_mode = on')
    await sql(bed.node, `alter system set archive_command = 'touch ${bed.estate.root}/archived'`)
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
    assert.match(JSON.stringify(exported?.['notExported']), /exchange\.public\.scratch: unlogged/)
    assert.match(JSON.stringify(checked?.['unchecked']), /1 unlogged tables of this database are empty/)

    await bed.node.member.stopClean()
    await recovery.finish(run, goal)
    const finished = await recovery.report(run, 'finished')
    assert.match(JSON.stringify(finished?.['sequences']), /kept_id_seq/)
    assert.ok(!existsSync(join(bed.estate.root, 'archived')), 'the copy archived nothing')
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

  describe('what lacks in the copies is refused before anything is started', () => {
    const run = 'run_refused'
    let goal: RecoveryGoal
    let recovery: DatabaseRecovery

    before(async () => {
      await bed.backUp()
      await sql(bed.node, 'create table gone as select 1 as one')
      // Whole segments lie between the backup and the target.
      for (let n = 0; n < 2; n++) await sql(bed.node, `select pg_switch_wal(), pg_sleep(0.2)`)
      await sql(bed.node, `insert into kept (body) values ('in between')`)
      await sql(bed.node, `select pg_switch_wal(), pg_sleep(0.2)`)
      await sql(bed.node, 'drop table gone')
      goal = await bed.goal({ kind: 'xid', xid: await xidOfDrop(bed) })
      recovery = bed.recovery()
    })

    async function damaged(
      damage: (segment: string) => Promise<void>,
      work: () => Promise<void>,
    ): Promise<void> {
      const { catalogue } = await bed.copies()
      const start = catalogue.backups.find(({ id }) => id === goal.snapshot)?.endLsn ?? '0/0'
      const segment = await segmentOf(bed, start)
      await copyFile(segment, `${segment}.saved`)
      try {
        await damage(segment)
        await work()
      } finally {
        await rename(`${segment}.saved`, segment)
      }
      assert.equal(await recovery.report(run, 'restored'), undefined)
      await recovery.discard(run)
    }

    test('a segment that is missing (T02)', async () => {
      await damaged(
        async (segment) => await rm(segment),
        async () => {
          await assert.rejects(recovery.resolve(goal), { code: 'TARGET_UNREACHABLE', class: 'refused' })
          await assert.rejects(recovery.restore(run, goal), { code: 'TARGET_UNREACHABLE' })
        },
      )
    })

    test('a bit that is flipped, and a segment of zeros (T03)', async () => {
      for (const damage of [flipBit, fillWithZeros]) {
        await damaged(damage, async () => {
          await assert.rejects(recovery.restore(run, goal), {
            code: /RECOVERY_WAL_DAMAGED|TARGET_UNREACHABLE/,
          })
        })
      }
    })

    test('backup_label or standby.signal that is missing (T05)', async () => {
      for (const name of ['backup_label', 'standby.signal']) {
        await recovery.restore(run, goal)
        await rm(join(`${bed.node.config.dataDirectory}.restored-${run}`, 'data', name))
        await assert.rejects(recovery.replay(run, goal), { code: 'RECOVERY_NOT_STARTABLE' })
        await recovery.discard(run)
      }
    })

    test('a server that answers while it still replays: it is not counted, nor served (T05b)', async () => {
      await recovery.restore(run, goal)
      const last = segmentName(
        goal.timeline,
        positionOf(goal.reached),
        (await bed.copies()).identity.segmentBytes,
      )
      await rm(join(`${bed.node.config.dataDirectory}.restored-${run}`, 'data', 'pg_wal', last))
      // It starts, answers and waits for the rest.
      await assert.rejects(recovery.replay(run, goal), { code: 'RECOVERY_WAL_ENDS' })
      const { socketDirectory, port, superuser: user } = bed.node.config
      const [host = ''] = globSync(join(socketDirectory, 'r*')).filter((path) =>
        existsSync(join(path, `.s.PGSQL.${port}`)),
      )
      const copy = new Client({ host, port, user, database: 'postgres' })
      await copy.connect()
      const { rows } = await copy.query<{ recovering: boolean }>('select pg_is_in_recovery() as recovering')
      await copy.end()
      assert.deepEqual(rows, [{ recovering: true }])
      assert.equal(await recovery.report(run, 'replayed'), undefined)
      await assert.rejects(recovery.install(run), { code: 'RECOVERY_OUT_OF_ORDER' })
      await recovery.discard(run)
    })

    test('another major version of the server (T22)', async () => {
      const binDirectory = await prepareEmbeddedPostgres(join(bed.estate.root, 'pg18'))
      const other = bed.recovery({ ...bed.node.config, binDirectory })
      await assert.rejects(other.restore(run, goal), { code: 'RECOVERY_VERSION', class: 'refused' })
      assert.equal(await other.exists(run), false)
    })

    test('a copy that is not what its owner says is not put in place', async () => {
      await recovery.restore(run, goal)
      await recovery.replay(run, goal)
      const wrong = [{ name: 'a table that nobody made', query: 'select count(*) from nowhere', equals: '1' }]
      await assert.rejects(recovery.check(run, goal, wrong), {
        code: 'RECOVERY_CHECK_FAILED',
        message: /nowhere/,
      })
      await assert.rejects(recovery.install(run), { code: 'RECOVERY_OUT_OF_ORDER' })
      await recovery.discard(run)
      assert.deepEqual(globSync(`${bed.node.config.dataDirectory}.restored-*${run}*`), [])
    })
  })

  test('killed at random moments and asked for again, it ends the same', async (t) => {
    const seed = Number(process.env['POINTZERO_SEED'] ?? 7)
    t.diagnostic(`POINTZERO_SEED=${seed} node --test test/integration/recovery.int.test.ts`)
    const random = new SimRandom(seed)
    await sql(bed.node, 'create table lost as select generate_series(1, 900) as id')
    await sql(bed.node, 'drop table lost')
    const goal = await bed.goal({ kind: 'xid', xid: await xidOfDrop(bed) })
    const run = 'run_killed'
    await bed.recovery().export(run, goal)
    await bed.node.member.stopClean()
    const order = join(bed.estate.root, 'order.json')
    await writeFile(order, JSON.stringify({ places: bed.places(), run, goal }))
    const program = join(import.meta.dirname, '..', 'support', 'recovery-program.ts')
    let kills = 0
    for (let round = 0; ; round++) {
      assert.ok(round < 40, 'it never ends')
      const child = spawn(process.execPath, [program, order], { stdio: ['ignore', 'ignore', 'inherit'] })
      const ended = once(child, 'exit')
      const moment = round < 12 ? random.between(300, 3_000) : 120_000
      const timer = new AbortController()
      void sleep(moment, undefined, { signal: timer.signal }).then(
        () => child.kill('SIGKILL'),
        () => undefined,
      )
      const [code] = (await ended) as [number | null]
      timer.abort()
      if (code === 0) break
      assert.equal(code, null, `it failed in round ${round}`)
      kills += 1
    }
    t.diagnostic(`${kills} kills`)
    await bed.node.member.startAsStandby()
    await bed.node.member.promote()
    assert.equal((await sql(bed.node, 'select count(*)::int as rows from lost'))[0]?.['rows'], 900)
    assert.equal(globSync(`${bed.node.config.dataDirectory}.kept-*`).length, 2)
  })
})

/** Of the newest transaction that dropped a table. */
async function xidOfDrop(bed: RecoveryBed): Promise<number> {
  await bed.caughtUp()
  const copies = await bed.copies()
  const finder = new SuspicionFinder(1, { nameOf: () => undefined, databaseNameOf: () => undefined })
  const { segmentBytes } = copies.identity
  const timeline = copies.catalogue.coverage.at(-1)?.timeline ?? 0
  const backup = copies.catalogue.backups.findLast((one) => one.timeline === timeline)
  const from = positionOf(parseLsn(backup?.startLsn ?? '0/0'))
  const until = Number.POSITIVE_INFINITY
  await readWal(copies.archive, { timeline, segmentBytes, from, until }, (record) => finder.see(record))
  const xid = finder.found.findLast(({ kind }) => kind === 'drop')?.xid
  assert.ok(xid !== undefined, JSON.stringify(finder.found))
  return xid
}

/** The segment of the archive in which the position lies, whole or growing. */
async function segmentOf(bed: RecoveryBed, lsn: string): Promise<string> {
  const { identity, catalogue } = await bed.copies()
  const timeline = catalogue.coverage.at(-1)?.timeline ?? 0
  const name = segmentName(timeline, positionOf(parseLsn(lsn)), identity.segmentBytes)
  const path = join(bed.capture.archive, 'wal', name)
  return existsSync(path) ? path : `${path}.partial`
}

async function flipBit(segment: string): Promise<void> {
  const file = await open(segment, 'r+')
  try {
    const { size } = await file.stat()
    const byte = new Uint8Array(1)
    await file.read(byte, 0, 1, Math.floor(size / 2))
    await file.write(new Uint8Array([(byte[0] ?? 0) ^ 1]), 0, 1, Math.floor(size / 2))
  } finally {
    await file.close()
  }
}

async function fillWithZeros(segment: string): Promise<void> {
  const { length } = await readFile(segment)
  await writeFile(segment, new Uint8Array(length))
}
