import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openPostgresProbe } from '../../src/drivers/postgres/postgres-probe.ts'
import { compareLsn, lsnZero } from '../../src/domain/lsn.ts'
import { hasAllOf, openCluster, refusedWith, refusesToFollow } from '../support/postgres-cluster.ts'
import { connectClient, eventually, postmasterPid, sql } from '../support/postgres-estate.ts'
import type { Node, PostgresEstate } from '../support/postgres-estate.ts'
import { clock } from '../support/system-time.ts'

const probe = openPostgresProbe(clock)

describe('a cluster of three', () => {
  let estate: PostgresEstate
  let systemIdentifier = ''
  let a: Node
  let b: Node
  let c: Node

  before(async () => {
    const cluster = await openCluster(['a', 'b', 'c'])
    ;({ estate, systemIdentifier } = cluster)
    ;[a, b, c] = cluster.nodes as [Node, Node, Node]
  })

  after(async () => {
    await estate.close()
  })

  test('observes roles, positions, upstream and the synchronous rule', async () => {
    await a.member.writeCanary(1, 3_000)
    const primary = await a.member.observe()
    assert.equal(primary.role, 'primary')
    assert.equal(primary.systemIdentifier, systemIdentifier)
    assert.equal(primary.timeline, 2)
    assert.ok(primary.versionNumber !== undefined && primary.versionNumber >= 150_000)
    assert.deepEqual(primary.syncNames, ['b', 'c'])
    assert.equal(primary.syncCount, 1)
    assert.deepEqual(
      primary.standbys?.map(({ name, state, syncState }) => [name, state, syncState]),
      [
        ['b', 'streaming', 'quorum'],
        ['c', 'streaming', 'quorum'],
      ],
    )
    assert.deepEqual(primary.bypasses, [])
    const standby = await b.member.observe()
    assert.equal(standby.role, 'standby')
    assert.equal(standby.timeline, 2)
    assert.equal(standby.upstream, `127.0.0.1:${a.config.port}`)
    assert.equal(standby.receiving, true)
    assert.equal(standby.streaming, true)
    assert.ok(compareLsn(standby.receivedLsn ?? lsnZero, lsnZero) > 0)
    assert.equal(await probe.answers('127.0.0.1', a.config.port, 1_000), true)
  })

  test('never shows the password in a setting or in the upstream', async () => {
    const [row] = await sql(b, 'show primary_conninfo')
    assert.doesNotMatch(String(row?.['primary_conninfo']), /password|s3cret/)
  })

  test('counts canaries without a gap, and each one verifies', async () => {
    for (let n = 0; n < 3; n++) await a.member.writeCanary(100 + n, 3_000)
    const rows = await sql(
      a,
      `select count(*)::int as n, min(counter)::int as low, max(counter)::int as high from pointzero_canary.ledger`,
    )
    const { n, low, high } = rows[0] as { n: number; low: number; high: number }
    assert.equal(high - low + 1, n)
  })

  test('names sessions, roles and databases that void the synchronous rule', async () => {
    const client = await connectClient(a)
    try {
      await sql(a, `create role "bürö" login; alter role "bürö" set synchronous_commit = local`)
      await sql(
        a,
        `alter database exchange set synchronous_commit to off; alter role all set synchronous_commit to on`,
      )
      await client.query('set synchronous_commit to off')
      const { bypasses = [] } = await a.member.observe()
      assert.equal(bypasses.length, 3, bypasses.join('; '))
      assert.ok(
        bypasses.includes('all roles in database exchange: synchronous_commit=off'),
        bypasses.join('; '),
      )
      assert.ok(bypasses.includes('role "bürö": synchronous_commit=local'), bypasses.join('; '))
      assert.match(
        bypasses[2] as string,
        /^session \d+ of pointzero in exchange: its statement sets synchronous_commit$/,
      )
    } finally {
      await client.end()
      await sql(
        a,
        `alter database exchange reset synchronous_commit; alter role all reset synchronous_commit`,
      )
      await sql(a, `alter role "bürö" reset synchronous_commit`)
    }
    const cleared = await eventually('no bypass is left', async () => {
      const { bypasses } = await a.member.observe()
      return bypasses?.length === 0 ? bypasses : undefined
    })
    assert.deepEqual(cleared, [])
    const [row] = await sql(a, 'select 1 as one')
    assert.deepEqual(row, { one: 1 })
  })

  test('refuses writes of everybody but its own canary, past open transactions and settings of sessions, until it accepts them or starts again', async () => {
    await sql(a, 'create table if not exists refused (i int)')
    const holding = await connectClient(a)
    const stubborn = await connectClient(a)
    const ended = Promise.withResolvers<void>()
    for (const client of [holding, stubborn]) client.on('error', () => ended.resolve())
    try {
      await holding.query('begin; insert into refused values (1)')
      await stubborn.query('set default_transaction_read_only = off')
      await a.member.refuseWrites()
      await a.member.refuseWrites()
      assert.equal((await a.member.observe()).refusesWrites, true)
      for (const client of [holding, stubborn])
        await assert.rejects(client.query('insert into refused values (2); commit'))
      await ended.promise
      await assert.rejects(sql(a, 'insert into refused values (3)'), { code: '25006' })
      assert.deepEqual(await sql(a, 'select * from refused'), [], 'it can be read')
      const receipt = await a.member.writeCanary(3, 3_000)
      assert.ok(receipt.counter > 0, 'it is still known not to be alone')
      assert.equal((await b.member.observe()).refusesWrites, undefined)
      await a.member.acceptWrites()
      await a.member.acceptWrites()
      assert.equal((await a.member.observe()).refusesWrites, undefined)
      await sql(a, 'insert into refused values (4)')
      const isReadOnly = async () => (await sql(b, 'show default_transaction_read_only'))[0]
      await b.member.refuseWrites()
      assert.deepEqual(await isReadOnly(), { default_transaction_read_only: 'on' })
      await b.member.stopImmediate()
      await b.member.startAsStandby()
      assert.deepEqual(await isReadOnly(), { default_transaction_read_only: 'off' }, 'it started')
    } finally {
      await a.member.acceptWrites()
      await Promise.all([holding, stubborn].map(async (client) => client.end().catch(() => {})))
    }
  })

  test('an owner who made a server read-only is not taken for a run that did', async () => {
    await sql(a, 'alter system set default_transaction_read_only = on')
    await sql(a, 'select pg_reload_conf()')
    try {
      await eventually('it is loaded', async () => {
        const [row] = await sql(a, 'show default_transaction_read_only')
        return row?.['default_transaction_read_only'] === 'on' ? true : undefined
      })
      assert.equal((await a.member.observe()).refusesWrites, undefined)
    } finally {
      await sql(a, 'alter system reset default_transaction_read_only')
      await sql(a, 'select pg_reload_conf()')
    }
  })

  test('reports a rule that names nobody in particular', async () => {
    await sql(a, `alter system set synchronous_standby_names = '*'`)
    await sql(a, 'select pg_reload_conf()')
    const seen = await eventually('the rule is loaded', async () => {
      const { bypasses = [] } = await a.member.observe()
      return bypasses.length > 0 ? bypasses : undefined
    })
    assert.deepEqual(seen, ['server: synchronous_standby_names = *'])
    await a.member.setSynchronous(['b', 'c'], 1)
    await a.member.setSynchronous(['b', 'c'], 1)
    assert.deepEqual((await a.member.observe()).bypasses, [])
  })

  test('a detached standby acknowledges nothing, also after a restart, until it follows again', async () => {
    await Promise.all([b.member.detach(), c.member.detach()])
    await b.member.detach()
    const before = await b.member.observe()
    assert.equal(before.upstream, '')
    assert.equal(before.receiving, false)
    await assert.rejects(a.member.writeCanary(2, 700), refusedWith('PG_OUTCOME_UNKNOWN', 'unknown-outcome'))
    assert.equal((await b.member.observe()).receivedLsn, before.receivedLsn)
    await b.member.stopImmediate()
    await b.member.stopImmediate()
    assert.equal((await b.member.observe()).role, 'stopped')
    await b.member.startAsStandby()
    await b.member.startAsStandby()
    const restarted = await b.member.observe()
    assert.equal(restarted.role, 'standby')
    assert.equal(restarted.upstream, '')
    assert.equal(restarted.receiving, false)
    await assert.rejects(a.member.writeCanary(3, 700), refusedWith('PG_OUTCOME_UNKNOWN', 'unknown-outcome'))
    await b.member.follow(a.upstream)
    const { counter } = await eventually(
      'commits are acknowledged again',
      async () => await a.member.writeCanary(4, 2_000),
    )
    await c.member.follow(a.upstream)
    await c.member.follow(a.upstream)
    const rows = await sql(
      a,
      `select count(*)::int as n, max(counter)::int as high from pointzero_canary.ledger`,
    )
    assert.deepEqual(rows, [{ n: counter, high: counter }], 'the two that waited are in the ledger too')
  })

  test('does not pile up waiting canaries while nobody acknowledges', async () => {
    await Promise.all([b.member.detach(), c.member.detach()])
    for (let n = 0; n < 6; n++) await assert.rejects(a.member.writeCanary(10 + n, 300))
    const [row] = await sql(
      a,
      `select count(*)::int as n from pg_stat_activity where application_name = 'pointzero-canary'`,
    )
    assert.ok((row?.['n'] as number) <= 4, `${String(row?.['n'])} canaries hold connections`)
    await Promise.all([b.member.follow(a.upstream), c.member.follow(a.upstream)])
    await eventually('commits are acknowledged again', async () => await a.member.writeCanary(20, 2_000))
  })

  test('a commit whose wait was cancelled comes back as success with a warning, and a canary says that it is soft (T15)', async () => {
    const client = await connectClient(a)
    const warnings: string[] = []
    client.on('notice', ({ message }) => warnings.push(message ?? ''))
    await sql(a, 'create table soft (id int)')
    await eventually('the table is replayed', async () => await sql(b, 'select from soft'))
    await Promise.all([b.member.detach(), c.member.detach()])
    const cancel = `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`
    const cancelWaiting = async (): Promise<true | undefined> =>
      (await sql(a, cancel)).length > 0 ? true : undefined
    const insert = client.query('insert into soft values (1)')
    await eventually('the commit waits and is cancelled', cancelWaiting)
    assert.equal((await insert).rowCount, 1)
    assert.match(warnings.join(), /canceling wait for synchronous replication/)
    assert.deepEqual(await sql(a, 'select id from soft'), [{ id: 1 }])
    assert.deepEqual(await sql(b, 'select id from soft'), [])
    await client.end()
    const canary = a.member.writeCanary(30, 5_000)
    const rejected = assert.rejects(canary, refusedWith('PG_OUTCOME_UNKNOWN', 'unknown-outcome'))
    await eventually('the canary waits and is cancelled', cancelWaiting)
    await rejected
    await Promise.all([b.member.follow(a.upstream), c.member.follow(a.upstream)])
  })

  test('an agent that starts again adopts the postmaster and hears of its end at once', async () => {
    const other = estate.open(c.config)
    assert.equal((await other.member.observe()).role, 'standby')
    let exitedAt = 0
    other.member.onPostmasterExit(() => (exitedAt = clock.monotonicMs()))
    const start = clock.monotonicMs()
    process.kill(await postmasterPid(c), 'SIGKILL')
    await eventually('the exit is reported', async () => (exitedAt > 0 ? true : undefined))
    assert.ok(exitedAt - start < 400, `${exitedAt - start} ms`)
    assert.equal((await other.member.observe()).role, 'stopped')
    await c.member.startAsStandby()
    await eventually('it streams again by itself', async () =>
      (await c.member.observe()).streaming === true ? true : undefined,
    )
  })

  test('a frozen server is unknown within a bound, and still can be stopped', async () => {
    await c.member.observe()
    const pids = (await sql(c, 'select pid from pg_stat_activity')).map(({ pid }) => pid as number)
    const postmaster = await postmasterPid(c)
    for (const pid of [postmaster, ...pids]) signalIfThere(pid, 'SIGSTOP')
    const start = clock.monotonicMs()
    assert.deepEqual(await c.member.observe(), { role: 'unknown' })
    assert.deepEqual(await c.member.observe(), { role: 'unknown' })
    assert.ok(clock.monotonicMs() - start < 2_600, `${clock.monotonicMs() - start} ms`)
    assert.equal(await probe.answers('127.0.0.1', c.config.port, 300), false)
    await c.member.stopImmediate()
    assert.equal((await c.member.observe()).role, 'stopped')
    assert.equal((await c.member.observe()).systemIdentifier, systemIdentifier)
    await c.member.startAsStandby()
  })

  test('a lock file that names the pid of another program does not keep it from starting', async () => {
    await c.member.stopImmediate()
    const { runAs, dataDirectory, socketDirectory, port } = c.config
    const sleeper = spawn('/bin/sleep', ['60'], { ...runAs })
    await once(sleeper, 'spawn')
    try {
      const lock = `${sleeper.pid}\n${dataDirectory}\n1\n${port}\n${socketDirectory}\n127.0.0.1\n\nready   \n`
      await writeFile(join(dataDirectory, 'postmaster.pid'), lock)
      await writeFile(join(socketDirectory, `.s.PGSQL.${port}.lock`), lock)
      assert.equal((await c.member.observe()).role, 'stopped')
      await c.member.startAsStandby()
      assert.equal((await c.member.observe()).role, 'standby')
    } finally {
      sleeper.kill('SIGKILL')
    }
  })

  test('refuses another system identifier before any effect (D01)', async () => {
    const wrong = estate.open({ ...b.config, systemIdentifier: '1234' })
    const refusedCalls = [
      wrong.member.startAsStandby(),
      wrong.member.detach(),
      wrong.member.follow(a.upstream),
      wrong.member.promote(),
      wrong.member.rejoin(a.upstream),
      wrong.member.setSynchronous([], 0),
      wrong.member.stopClean(),
    ]
    await Promise.all(
      refusedCalls.map(async (call) => await assert.rejects(call, refusedWith('PG_IDENTITY', 'refused'))),
    )
    assert.equal((await b.member.observe()).streaming, true)
    const stranger = await estate.node('stranger')
    await estate.primary(stranger)
    await b.member.detach()
    await assert.rejects(b.member.follow(stranger.upstream), refusedWith('PG_IDENTITY', 'refused'))
    assert.equal((await b.member.observe()).upstream, '')
    await b.member.stopImmediate()
    await assert.rejects(b.member.rejoin(stranger.upstream), refusedWith('PG_IDENTITY', 'refused'))
    await stranger.member.stopImmediate()
    await b.member.startAsStandby()
    await b.member.follow(a.upstream)
  })

  test('a crash of one backend ends a primary at once, instead of restarting it behind its clients', async () => {
    const exited = new Promise<number>((resolve) =>
      a.member.onPostmasterExit(() => resolve(clock.monotonicMs())),
    )
    const client = await connectClient(a)
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const start = clock.monotonicMs()
    process.kill(rows[0]?.pid as number, 'SIGKILL')
    const ended = (await exited) - start
    assert.ok(ended < 1_500, `${ended} ms`)
    assert.equal((await a.member.observe()).role, 'stopped')
  })

  test('a former primary that is started takes no write, and follows the promoted standby', async () => {
    await Promise.all([b.member.detach(), c.member.detach()])
    await b.member.setSynchronous(['a', 'c'], 1)
    await b.member.promote()
    await b.member.promote()
    await c.member.follow(b.upstream)
    await b.member.writeCanary(50, 3_000)
    await a.member.startAsStandby()
    await assert.rejects(sql(a, 'insert into soft values (2)'), /read-only transaction/)
    assert.equal((await a.member.observe()).role, 'standby')
    assert.equal((await a.member.observe()).upstream, '')
    await assert.rejects(a.member.writeCanary(51, 1_000))
    await assert.rejects(b.member.startAsStandby(), refusedWith('PG_IS_PRIMARY', 'refused'))
    await assert.rejects(b.member.detach(), refusedWith('PG_NOT_A_STANDBY'))
    await assert.rejects(a.member.rejoin(b.upstream), refusedWith('PG_RUNNING', 'refused'))
  })

  test('a planned switch loses nothing and needs no rewind', async () => {
    await a.member.stopImmediate()
    await a.member.rejoin(b.upstream)
    await a.member.startAsStandby()
    await a.member.follow(b.upstream)
    await sql(b, 'create table planned (id int); insert into planned values (1)')
    const { shutdownLsn, timeline } = await b.member.stopClean()
    assert.deepEqual(await b.member.stopClean(), { shutdownLsn, timeline })
    const reached = await eventually('the standbys have it all', async () => {
      const seen = await Promise.all([a.member.observe(), c.member.observe()])
      const all = seen.every(({ receivedLsn }) => compareLsn(receivedLsn ?? lsnZero, shutdownLsn) >= 0)
      return all ? seen : undefined
    })
    assert.deepEqual(
      reached.map((seen) => seen.receivedLsn),
      [shutdownLsn, shutdownLsn],
    )
    await Promise.all([a.member.detach(), c.member.detach()])
    await a.member.promote()
    assert.deepEqual(await b.member.rejoin(a.upstream), { method: 'unchanged' })
    await b.member.startAsStandby()
    await b.member.follow(a.upstream)
    await c.member.follow(a.upstream)
    assert.deepEqual(await sql(b, 'select id from planned'), [{ id: 1 }])
  })

  test('a diverged member is refused as a follower, rewound, and its diverged WAL is kept', async () => {
    await sql(a, 'create table together (id int)')
    await eventually(
      'both standbys have the latest timeline',
      async () => await sql(b, 'select from together'),
    )
    await eventually(
      'both standbys have the latest timeline',
      async () => await sql(c, 'select from together'),
    )
    await Promise.all([b.member.detach(), c.member.detach()])
    await a.member.setSynchronous([], 0)
    await sql(a, 'create table lost as select generate_series(1, 1000) as id')
    await a.member.stopImmediate()
    await b.member.setSynchronous([], 0)
    await b.member.promote()
    await sql(b, 'create table won (id int)')
    await a.member.startAsStandby()
    await refusesToFollow(a, b)
    await a.member.stopImmediate()
    const start = clock.monotonicMs()
    const { method } = await a.member.rejoin(b.upstream)
    assert.equal(method, 'rewind', JSON.stringify(estate.logged.slice(-3)))
    assert.ok(clock.monotonicMs() - start < 30_000)
    await a.member.startAsStandby()
    assert.equal((await a.member.observe()).upstream, '')
    await a.member.follow(b.upstream)
    const names = (await sql(a, `select relname from pg_class where relname in ('lost', 'won')`)).map(
      (row) => row['relname'],
    )
    assert.deepEqual(names, ['won'])
    const beside = await readdir(dirname(a.config.dataDirectory))
    const kept = beside.find((name) => name.startsWith(`${basename(a.config.dataDirectory)}.diverged-`))
    assert.ok(kept !== undefined, beside.join())
    assert.ok((await readdir(join(dirname(a.config.dataDirectory), kept))).length > 0)
    await c.member.follow(b.upstream)
  })
})

describe('two promotions that did not know of each other', () => {
  let estate: PostgresEstate
  let a: Node
  let b: Node
  let c: Node

  before(async () => {
    const cluster = await openCluster(['a', 'b', 'c'])
    ;({ estate } = cluster)
    ;[a, b, c] = cluster.nodes as [Node, Node, Node]
  })

  after(async () => {
    await estate.close()
  })

  test('took the same timeline number, and are still told apart: no streaming, no rewind, a clone (T09)', async () => {
    await eventually('a commit is acknowledged', async () => await a.member.writeCanary(1, 3_000))
    for (const standby of [b, c]) await hasAllOf(a, standby)
    await a.member.stopImmediate()
    await Promise.all([b.member.detach(), c.member.detach()])
    await b.member.setSynchronous([], 0)
    await b.member.promote()
    await sql(b, 'create table lost (id int)')
    await b.member.stopImmediate()
    await c.member.setSynchronous([], 0)
    await c.member.promote()
    for (let n = 0; n < 5; n++) await sql(c, `create table won_${n} (id int)`)
    const [left, right] = [await b.member.observe(), await c.member.observe()]
    assert.equal(left.role, 'stopped')
    assert.equal(right.timeline, 3)
    await b.member.startAsStandby()
    assert.equal((await b.member.observe()).timeline, 3)
    await refusesToFollow(b, c)
    await b.member.stopImmediate()
    assert.deepEqual(await b.member.rejoin(c.upstream), { method: 'clone' })
    await b.member.startAsStandby()
    await b.member.follow(c.upstream)
    assert.deepEqual(await sql(b, `select to_regclass('lost') is null as gone`), [{ gone: true }])
    const { method } = await a.member.rejoin(c.upstream)
    assert.equal(method, 'unchanged')
  })

  test('are told apart also when one of them has gone on to another timeline', async () => {
    await b.member.stopImmediate()
    await a.member.startAsStandby()
    await a.member.follow(c.upstream)
    await sql(c, 'create table joint (id int)')
    await eventually('it is replayed', async () => await sql(a, 'select from joint'))
    await c.member.stopImmediate()
    await a.member.detach()
    // Now b takes timeline 4 from an older point and goes far ahead; a takes 4, then 5.
    await b.member.startAsStandby()
    await b.member.detach()
    await b.member.promote()
    await b.member.checkpoint()
    await sql(b, 'create table elsewhere as select generate_series(1, 5000) as id')
    await b.member.stopImmediate()
    await a.member.promote()
    await a.member.stopClean()
    await a.member.startAsStandby()
    await a.member.promote()
    assert.equal((await a.member.observe()).timeline, 5)
    const { method } = await b.member.rejoin(a.upstream)
    assert.notEqual(method, 'unchanged')
    await b.member.startAsStandby()
    await b.member.follow(a.upstream)
    const names = await sql(b, `select relname from pg_class where relname in ('elsewhere', 'joint')`)
    assert.deepEqual(names, [{ relname: 'joint' }])
    assert.deepEqual(await c.member.rejoin(a.upstream), { method: 'unchanged' })
  })
})

describe('little WAL is kept', () => {
  let estate: PostgresEstate
  let a: Node
  let b: Node

  before(async () => {
    const settings = {
      wal_keep_size: '0',
      min_wal_size: '32MB',
      max_wal_size: '32MB',
    }
    const cluster = await openCluster(['a', 'b'], settings)
    ;({ estate } = cluster)
    ;[a, b] = cluster.nodes as [Node, Node]
  })

  after(async () => {
    await estate.close()
  })

  async function fillSegments(node: Node, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      await sql(node, `create table filler_${n} (id int)`)
      await sql(node, `drop table filler_${n}`)
      await sql(node, 'select pg_switch_wal()')
      await node.member.checkpoint()
    }
  }

  test('a slot that fell behind its limit is reported as lost: its standby needs a clone (T14)', async () => {
    await sql(a, `alter system set max_slot_wal_keep_size = '16MB'`)
    await sql(a, 'select pg_reload_conf()')
    await sql(a, `select pg_create_physical_replication_slot('away', true)`)
    const [held] = (await a.member.observe()).slots ?? []
    assert.equal(held?.walStatus, 'reserved')
    await fillSegments(a, 5)
    const [lost] = (await a.member.observe()).slots ?? []
    assert.equal(lost?.name, 'away')
    assert.equal(lost?.walStatus, 'lost')
    await sql(a, `select pg_drop_replication_slot('away')`)
  })

  test('when a rewind is impossible it is cloned, and the old directory is kept', async () => {
    await b.member.detach()
    await a.member.setSynchronous([], 0)
    await fillSegments(a, 4)
    await a.member.stopImmediate()
    await b.member.promote()
    await sql(b, 'create table won (id int)')
    assert.deepEqual(await a.member.rejoin(b.upstream), { method: 'clone' })
    await a.member.startAsStandby()
    await a.member.follow(b.upstream)
    await b.member.setSynchronous(['a'], 1)
    await b.member.writeCanary(1, 3_000)
    const kept = join(`${a.config.dataDirectory}.kept-1`)
    assert.ok((await readdir(kept)).includes('PG_VERSION'))
    assert.ok(estate.logged.some(({ event }) => event === 'postgres.not-rewindable'))
    assert.deepEqual(await sql(a, `select to_regclass('won') is not null as here`), [{ here: true }])
  })

  test('a member whose control file is damaged holds nothing that could be started: it is cloned, and what is left is kept', async () => {
    await a.member.stopImmediate()
    const { dataDirectory } = a.config
    const control = join(dataDirectory, 'global', 'pg_control')
    const bytes = await readFile(control)
    bytes[40] = (bytes[40] ?? 0) ^ 1
    await writeFile(control, bytes)
    const { role, systemIdentifier } = await a.member.observe()
    assert.deepEqual([role, systemIdentifier], ['stopped', undefined])
    await assert.rejects(a.member.startAsStandby(), { code: 'PG_CONTROL_UNREADABLE' })
    assert.deepEqual(await a.member.rejoin(b.upstream), { method: 'clone' })
    await a.member.startAsStandby()
    await a.member.follow(b.upstream)
    await b.member.writeCanary(2, 3_000)
    assert.deepEqual(await readFile(join(`${dataDirectory}.kept-2`, 'global', 'pg_control')), bytes)
  })
})

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH')
  }
}
