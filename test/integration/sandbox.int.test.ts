import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { appendFile, mkdir, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { processesOf } from '../../src/drivers/postgres/process-table.ts'
import type { DatabaseRecovery } from '../../src/ports/database-recovery.ts'
import { RecoveryBed } from '../support/recovery-bed.ts'
import { requireSystemPostgres, sql, systemPostgres } from '../support/postgres-estate.ts'

describe('a copy of PostgreSQL 15 that brings the configuration of production along', () => {
  let bed: RecoveryBed
  let traces: string

  before(async () => {
    requireSystemPostgres()
    bed = await RecoveryBed.open(systemPostgres)
    traces = join(bed.estate.root, 'traces')
    await mkdir(traces, { mode: 0o777 })
    await sql(bed.node, 'create table orders as select g as id from generate_series(1, 500) g')
    await sql(bed.node, `create table words (word text collate "und-x-icu", tags int[])`)
    await sql(bed.node, 'create index words_by_word on words (word)')
    await sql(bed.node, 'create index words_by_tag on words using gin (tags)')
    await sql(bed.node, 'create index words_unfinished on words (word)')
    await sql(
      bed.node,
      `update pg_index set indisvalid = false where indexrelid = 'words_unfinished'::regclass`,
    )
    await sql(bed.node, `update pg_collation set collversion = '1' where collname = 'und-x-icu'`)
    await sql(bed.node, `select pg_create_physical_replication_slot('of_a_standby', true)`)
    await sql(bed.node, `alter database template1 set session_preload_libraries = 'no_such_library'`)
    await sql(bed.node, `alter database template1 set statement_timeout = '1ms'`)
    await hostile()
    await bed.backUp()
    await sql(bed.node, 'insert into orders values (501)')
    await bed.caughtUp()
  })

  after(async () => bed.close())

  /** As the copy will find it: production goes on with what it was started with. */
  async function hostile(): Promise<void> {
    const { config } = bed.node
    const { dataDirectory, address, port, superuser } = config
    const touch = (name: string): string => `touch ${traces}/${name}; exit 1`
    const settings = {
      listen_addresses: '*',
      archive_mode: 'on',
      archive_command: touch('archived'),
      restore_command: touch('restored'),
      archive_cleanup_command: touch('cleaned'),
      recovery_end_command: touch('ended'),
      primary_conninfo: `host=${address} port=${port} user=${superuser} application_name=intruder`,
      primary_slot_name: 'of_a_standby',
      synchronous_standby_names: 'nobody',
      shared_preload_libraries: 'no_such_library',
      session_preload_libraries: 'no_such_library',
      external_pid_file: `${traces}/pid`,
      data_directory: dataDirectory,
      hba_file: join(dataDirectory, 'pg_hba.conf'),
      unix_socket_group: 'no_such_group',
      unix_socket_directories: traces,
      logging_collector: 'on',
      log_directory: traces,
      ssl: 'on',
      'cron.database_name': 'postgres',
    }
    const own = (names: readonly string[]): string =>
      names.map((name) => `${name} = '${settings[name as keyof typeof settings]}'\n`).join('')
    await appendFile(join(dataDirectory, 'postgresql.conf'), own(Object.keys(settings)))
    const inFiles = ['data_directory', 'hba_file', 'external_pid_file', 'cron.database_name']
    const auto = Object.keys(settings).filter((name) => !inFiles.includes(name))
    await appendFile(join(dataDirectory, 'postgresql.auto.conf'), own(auto))
  }

  async function standing(recovery: DatabaseRecovery, run: string): Promise<void> {
    const goal = await bed.goal({ kind: 'end' })
    await recovery.restore(run, goal)
    await recovery.replay(run, goal)
  }

  async function production(): Promise<unknown> {
    const text = `select pg_backend_pid() > 0 as runs, (select timeline_id from pg_control_checkpoint()) as timeline,
      (select system_identifier::text from pg_control_system()) as system,
      (select json_agg(s order by slot_name) from
        (select slot_name, active, restart_lsn is null as idle from pg_replication_slots) s) as slots,
      (select json_agg(application_name) from pg_stat_replication) as standbys,
      current_setting('synchronous_standby_names') as rule`
    return await sql(bed.node, text)
  }

  test('reads, replays and checks it while nothing of that configuration has an effect (T10)', async (t) => {
    const before = await production()
    const recovery = bed.recovery()
    const run = 'run_hostile'
    await standing(recovery, run)
    const data = join(`${bed.node.config.dataDirectory}.restored-${run}`, 'data')
    const [pid = ''] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
    await recovery.check(run, await bed.goal({ kind: 'end' }), [
      { name: 'orders', query: 'select count(*) from orders', equals: '501' },
    ])
    const report = await recovery.report(run, 'checked')
    t.diagnostic(JSON.stringify(report))
    assert.deepEqual(report?.['network'], { contained: true, interfaces: ['lo'] })
    const devices = await readFile(`/proc/${pid}/net/dev`, 'utf8')
    assert.equal(devices.trim().split('\n').length, 3, devices)
    for (const family of ['tcp', 'tcp6'])
      assert.equal((await readFile(`/proc/${pid}/net/${family}`, 'utf8')).trim().split('\n').length, 1)
    assert.deepEqual(await readdir(traces), [])
    assert.deepEqual(await production(), before)
    await recovery.discard(run)
    assert.equal(await recovery.exists(run), false)
    assert.deepEqual(await processesOf(data), [])
    assert.deepEqual(globSync(`${bed.node.config.dataDirectory}.restored-*`), [])
    assert.deepEqual(globSync(`${bed.node.config.socketDirectory}/r*`), [])
    assert.deepEqual(await production(), before)
  })

  test('names indexes whose text this host sorts by another version, and what amcheck can not compare (T22, T23)', async () => {
    const recovery = bed.recovery()
    const run = 'run_collations'
    await standing(recovery, run)
    await recovery.check(run, await bed.goal({ kind: 'end' }), [])
    const report = await recovery.report(run, 'checked')
    const collations = report?.['collations'] as readonly {
      readonly database: string
      readonly collation: string
      readonly recorded: string
      readonly indexes: readonly string[]
    }[]
    const found = collations.find(
      ({ database, collation }) => database === 'exchange' && /icu/.test(collation),
    )
    assert.equal(found?.recorded, '1', JSON.stringify(collations))
    assert.deepEqual(found?.indexes, ['words_by_word', 'words_unfinished'])
    const unchecked = JSON.stringify(report?.['unchecked'])
    assert.match(unchecked, /exchange: indexes of kind gin were not compared/)
    assert.match(unchecked, /public\.words_unfinished was not compared: it is not valid/)
    await recovery.discard(run)
  })

  test('stands beside another one of the same member, each in a place and on a socket of its own', async () => {
    const runs = ['run_one', 'run_two'] as const
    const recoveries = runs.map((run) => ({ run, recovery: bed.recovery() }))
    for (const { run, recovery } of recoveries) await standing(recovery, run)
    const goal = await bed.goal({ kind: 'end' })
    await Promise.all(recoveries.map(async ({ run, recovery }) => await recovery.check(run, goal, [])))
    assert.equal(globSync(`${bed.node.config.socketDirectory}/r*`).length, 2)
    const [first, second] = recoveries
    await first?.recovery.discard(runs[0])
    assert.equal(await second?.recovery.exists(runs[1]), true)
    await second?.recovery.discard(runs[1])
    assert.deepEqual(globSync(`${bed.node.config.socketDirectory}/r*`), [])
  })
})
