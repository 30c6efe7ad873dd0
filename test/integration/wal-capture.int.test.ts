import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chown, copyFile, cp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { archiveEnds } from '../../src/capture/archive-end.ts'
import { listSegments, readIdentity } from '../../src/capture/archive-layout.ts'
import type { ArchiveIdentity } from '../../src/capture/archive-layout.ts'
import { readClock } from '../support/clock-entries.ts'
import type { ClockEntry } from '../../src/capture/commit-clock.ts'
import { loadLedger } from '../../src/capture/ledger-writer.ts'
import { verifyArchive } from '../../src/capture/verify-archive.ts'
import { lsnOf, positionOf } from '../../src/capture/wal-position.ts'
import { readWal } from '../../src/capture/wal-reader.ts'
import { parseLsn } from '../../src/domain/lsn.ts'
import { prepareEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { openSystemArchive } from '../../src/platform/system-archive.ts'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import { killRounds, printedSeed } from '../support/kill-rounds.ts'
import { CaptureClient } from '../support/capture-client.ts'
import { eventually, PlainPostgres, runProgram } from '../support/plain-postgres.ts'
import type { PlainServer } from '../support/plain-postgres.ts'
import { requireSystemPostgres, systemPostgres } from '../support/postgres-estate.ts'

const program = join(import.meta.dirname, '..', '..', 'bin', 'pointzero')

const clients: CaptureClient[] = []

/** A client that is ended with the tests, however they end. */
function capture(...args: ConstructorParameters<typeof CaptureClient>): CaptureClient {
  const client = new CaptureClient(...args)
  clients.push(client)
  return client
}

after(async () => {
  for (const client of clients) await client.stop('SIGKILL')
})

function pointzero(args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return { status, stdout, stderr }
}

async function identityOf(directory: string): Promise<ArchiveIdentity> {
  const identity = await readIdentity(openSystemArchive(directory))
  assert.ok(identity)
  return identity
}

async function clockOf(directory: string): Promise<readonly ClockEntry[]> {
  return readClock(openSystemArchive(directory), await identityOf(directory))
}

/** Until the archive is durable up to where the server is now. */
async function caughtUp(server: PlainServer, client: CaptureClient): Promise<number> {
  const flushed = positionOf(parseLsn(await server.scalar('select pg_current_wal_flush_lsn()')))
  await eventually(
    `the archive reaches ${lsnOf(flushed)}: ${JSON.stringify(client.state)} ${client.errors}`,
    async () => {
      const { segmentBytes } = await identityOf(client.archive)
      const ends = await archiveEnds(openSystemArchive(client.archive), segmentBytes)
      const furthest = Math.max(...[...ends.values()].map(({ end }) => end))
      return furthest >= flushed ? true : undefined
    },
  )
  return flushed
}

/** Until the clock knows of a commit at or behind the position. */
async function clockReaches(client: CaptureClient, position: number): Promise<void> {
  await eventually(`the clock reaches ${lsnOf(position)}`, async () =>
    (await clockOf(client.archive)).some(({ end }) => end >= position) ? true : undefined,
  )
}

interface DumpedCommit {
  readonly kind: string
  readonly lsn: string
  readonly time: number
}

/** Ends of transactions as pg_waldump prints them. */
function dumpedCommits(directory: string, first: string, last: string): readonly DumpedCommit[] {
  // It ends with an error where the WAL ends.
  const text = spawnSync(join(systemPostgres, 'pg_waldump'), ['-p', join(directory, 'wal'), first, last], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
    maxBuffer: 1 << 28,
  }).stdout
  return text.split('\n').flatMap((line) => {
    const [, lsn] = /rmgr: Transaction .* lsn: ([0-9A-F]+\/[0-9A-F]+),/.exec(line) ?? []
    const [, kind, time] =
      /desc: (COMMIT_PREPARED|ABORT_PREPARED|COMMIT|ABORT) .*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)/.exec(
        line,
      ) ?? []
    if (lsn === undefined || kind === undefined || time === undefined) return []
    const instant = Temporal.Instant.from(`${time.replace(' ', 'T')}Z`)
    return [
      {
        kind: kind.toLowerCase().replace('_', '-'),
        lsn: lsnOf(positionOf(parseLsn(lsn))),
        time: Number(instant.epochNanoseconds / 1000n),
      },
    ]
  })
}

before(() => requireSystemPostgres())

describe('on PostgreSQL 15', () => {
  let postgres: PlainPostgres
  let server: PlainServer

  before(async () => {
    postgres = await PlainPostgres.open()
    server = await postgres.initialise(systemPostgres, 'primary', ['max_prepared_transactions = 10'])
    await server.start()
    await server.sql('create table load (id bigserial primary key, body text)')
  })

  after(async () => postgres.close())

  const sourceOf = ({ port }: PlainServer) => [{ address: '127.0.0.1', port }]

  test('the commit clock has every end of a transaction that pg_waldump prints, to the microsecond', async () => {
    const client = capture(postgres.root, 'clock', { sources: sourceOf(server) })
    client.start()
    await eventually(
      `it streams ${client.errors}`,
      async () => client.state?.protection.kind === 'streaming' || undefined,
    )
    const sessions = await Promise.all(Array.from({ length: 3 }, async () => server.connect()))
    await Promise.all(
      sessions.map(async (session, index) => {
        for (let round = 0; round < 60; round++) {
          await session.simpleQuery(
            "insert into load (body) select string_agg(md5(random()::text), '') from generate_series(1, 2400) n group by n % 40",
          )
          if (round % 10 === 0)
            await session.simpleQuery('begin; insert into load (body) values (1); rollback')
          if (round % 10 === 5)
            await session.simpleQuery(
              'begin; savepoint a; insert into load (body) values (1); savepoint b; insert into load (body) values (2); commit',
            )
          if (round % 20 === 7) {
            await session.simpleQuery(
              `begin; insert into load (body) values (3); prepare transaction 'g${index}-${round}'`,
            )
            await session.simpleQuery(
              round > 30 ? `rollback prepared 'g${index}-${round}'` : `commit prepared 'g${index}-${round}'`,
            )
          }
        }
        session.close()
      }),
    )
    await server.sql('create table gone as select * from load limit 10')
    await server.sql('drop table gone')
    await server.sql("select pg_create_restore_point('before the change ✓')")
    await server.sql("insert into load (body) values ('last')")
    const end = await caughtUp(server, client)
    await clockReaches(client, end - 200)
    const { segmentBytes } = await identityOf(client.archive)
    const segments = await listSegments(openSystemArchive(client.archive), segmentBytes)
    assert.ok(segments.length >= 2, `${segments.length} segments`)
    // pg_waldump wants the last file by its final name.
    const copy = join(postgres.root, 'dumped')
    await cp(client.archive, copy, { recursive: true })
    const names = segments.map(({ name }) => name.replace('.partial', ''))
    await copyFile(join(copy, 'wal', segments.at(-1)?.name ?? ''), join(copy, 'wal', names.at(-1) ?? ''))
    const expected = dumpedCommits(copy, names[0] ?? '', names.at(-1) ?? '')
    const clock = await clockOf(client.archive)
    const ends = clock.filter(({ kind }) => !['alive', 'prepare', 'restore-point'].includes(kind))
    assert.ok(expected.length > 200, `${expected.length} ends of transactions`)
    assert.deepEqual(
      ends.map(({ kind, start, timeMicroseconds }) => ({ kind, lsn: lsnOf(start), time: timeMicroseconds })),
      expected,
    )
    assert.equal(clock.filter(({ kind }) => kind === 'restore-point')[0]?.name, 'before the change ✓')
    assert.ok(clock.some(({ subtransactions }) => subtransactions.length === 2))
    assert.ok(clock.filter(({ kind }) => kind === 'prepare').length >= 3)
    assert.equal(await client.stop(), 0)

    await readsEveryRecord(client.archive, copy, names)
    assert.equal(pointzero(['points', '--archive', client.archive, '--verify']).status, 0)
  })

  /** Records counted by the decoder and by pg_waldump. */
  async function readsEveryRecord(archive: string, copy: string, names: readonly string[]): Promise<void> {
    const stats = spawnSync(
      join(systemPostgres, 'pg_waldump'),
      ['-z', '-p', join(copy, 'wal'), names[0] ?? '', names.at(-1) ?? ''],
      { encoding: 'utf8' },
    )
    const [, total] = /^Total\s+(\d+)/m.exec(stats.stdout) ?? []
    const { segmentBytes } = await identityOf(archive)
    const [first] = await listSegments(openSystemArchive(archive), segmentBytes)
    let records = 0
    const read = await readWal(
      openSystemArchive(archive),
      {
        timeline: 1,
        segmentBytes,
        from: first?.start ?? 0,
        isAnywhere: true,
        until: Number.POSITIVE_INFINITY,
      },
      () => (records += 1),
    )
    assert.equal(records, Number(total), JSON.stringify(read))
  }

  test('corruption is found with xid, LSN, time, table and rows, and the target before it is exact', async () => {
    const client = capture(postgres.root, 'corruption', { sources: sourceOf(server) })
    client.start()
    await eventually(
      `it streams ${client.errors}`,
      async () => client.state?.protection.kind === 'streaming' || undefined,
    )
    await server.sql('create table precious (id int primary key, body text)')
    await server.sql("insert into precious select n, 'v' from generate_series(1, 500) n")
    await server.sql('create table "odd \u201cname" as select * from precious')
    await server.sql('create table kept as select * from precious')
    await server.sql('analyze')
    const names = join(client.archive, 'names')
    await eventually('the names are noted', async () => {
      const last = (await readdir(names)).toSorted().at(-1) ?? ''
      const text = await readFile(join(names, last), 'utf8')
      return /odd \u201cname/.test(text) && /"kept"/.test(text) ? true : undefined
    })
    const run = async (work: string): Promise<number> => {
      const session = await server.connect()
      await session.simpleQuery('begin')
      await session.simpleQuery(work)
      const xid = Number((await session.simpleQuery('select pg_current_xact_id()'))[0]?.rows[0]?.[0])
      await session.simpleQuery('commit')
      session.close()
      return xid
    }
    await run('delete from precious where id <= 3')
    const deleted = await run('delete from precious where id > 200')
    const updated = await run("update precious set body = 'wrong'")
    const truncated = await run('truncate kept')
    const dropped = await run('drop table "odd \u201cname"')
    await run("insert into load (body) values ('after')")
    const end = await caughtUp(server, client)
    await clockReaches(client, end - 500)
    const answer = pointzero(['corruption', 'find', '--archive', client.archive, '--from', '0/0', '--json'])
    assert.equal(answer.status, 0, answer.stdout + answer.stderr)
    const { transactions } = JSON.parse(answer.stdout) as {
      readonly transactions: readonly {
        kind: string
        xid: number
        name?: string
        rows?: number
        commitLsn: string
      }[]
    }
    const found = transactions
      .filter(({ xid }) => xid >= deleted)
      .map(({ kind, xid, name, rows }) => ({ kind, xid, name, rows }))
    assert.deepEqual(found, [
      { kind: 'mass-delete', xid: deleted, name: 'postgres.public.precious', rows: 300 },
      { kind: 'mass-update', xid: updated, name: 'postgres.public.precious', rows: 197 },
      { kind: 'truncate', xid: truncated, name: 'postgres.public.kept', rows: 500 },
      { kind: 'drop', xid: dropped, name: 'postgres.public.odd \u201cname', rows: 500 },
    ])

    const backups = join(postgres.root, 'backups.json')
    const first = (await clockOf(client.archive))[0]?.start ?? 0
    await writeFile(
      backups,
      JSON.stringify([{ id: 'b1', timeline: 1, startLsn: lsnOf(first), endLsn: lsnOf(first) }]),
    )
    const resolved = pointzero([
      ...['points', '--archive', client.archive, '--backups', backups],
      ...['--xid', String(dropped), '--json'],
    ])
    assert.equal(resolved.status, 0, resolved.stdout + resolved.stderr)
    const target = JSON.parse(resolved.stdout) as {
      lsn: string
      inclusive: boolean
      after: readonly { xid: number }[]
    }
    assert.equal(target.lsn, transactions.find(({ xid }) => xid === dropped)?.commitLsn)
    assert.equal(target.inclusive, false)
    assert.equal(target.after[0]?.xid, dropped)
    const future = pointzero([
      'points',
      '--archive',
      client.archive,
      '--backups',
      backups,
      '--time',
      '2099-01-01T00:00:00Z',
      '--json',
    ])
    assert.equal(future.status, 3)
    assert.match(future.stdout, /TARGET_UNREACHABLE/)
    await client.stop()
  })

  test('refuses a slot without a limit, makes it when there is one, and reports what it retains', async () => {
    await server.sql('alter system set max_slot_wal_keep_size = -1')
    await server.sql('select pg_reload_conf()')
    const client = capture(postgres.root, 'limited', { sources: sourceOf(server) })
    client.start()
    await eventually('it is refused', async () => {
      const { protection } = client.state ?? {}
      return protection?.kind === 'degraded' && protection.reason.startsWith('CAPTURE_SLOT_UNLIMITED')
        ? true
        : undefined
    })
    assert.equal(
      await server.scalar("select count(*) from pg_replication_slots where slot_name = 'limited'"),
      '0',
    )
    await server.sql("alter system set max_slot_wal_keep_size = '64MB'")
    await server.sql('select pg_reload_conf()')
    await eventually('it streams', async () => client.state?.protection.kind === 'streaming' || undefined)
    await eventually('it says what the slot retains', async () => {
      const text = await readFile(join(client.archive, 'state.json'), 'utf8')
      const { slot } = JSON.parse(text) as { slot: { limitBytes: number; retainedBytes: number | null } }
      assert.equal(slot.limitBytes, 64 << 20)
      return slot.retainedBytes === null ? undefined : true
    })
    await client.stop()
    // Nobody reads the slot, and the server gives it up instead of its disk: a hole that is reported.
    for (let round = 0; round < 7; round++) {
      await server.sql("insert into load (body) select repeat('y', 2000) from generate_series(1, 800)")
      await server.sql('select pg_switch_wal()')
    }
    await server.sql('checkpoint')
    assert.equal(
      await server.scalar("select wal_status from pg_replication_slots where slot_name = 'limited'"),
      'lost',
    )
    client.start()
    await eventually(
      `it goes on behind the hole: ${client.errors}`,
      async () =>
        (client.state?.alarms.includes('gap') && client.state.protection.kind === 'streaming') || undefined,
    )
    await server.sql("insert into load (body) values ('behind the hole')")
    await server.sql('select pg_switch_wal()')
    await caughtUp(server, client)
    await eventually('the hole is listed', async () => {
      const points = pointzero(['points', '--archive', client.archive, '--json'])
      const { gaps } = JSON.parse(points.stdout) as { readonly gaps: readonly { missingSegments: number }[] }
      return points.status === 1 && gaps.length === 1 ? true : undefined
    })
    await client.stop()
    await server.sql("select pg_drop_replication_slot('limited')")
    await server.sql("alter system set max_slot_wal_keep_size = '1GB'")
    await server.sql('select pg_reload_conf()')
  })

  test('an idle database raises no alarm, and a time after its last commit is reachable', async () => {
    const client = capture(postgres.root, 'idle', {
      sources: sourceOf(server),
      statusIntervalMs: 300,
      silenceMs: 1_500,
    })
    client.start()
    await eventually('it streams', async () => client.state?.protection.kind === 'streaming' || undefined)
    await caughtUp(server, client)
    const before = client.states.length
    await sleep(4_000)
    assert.deepEqual(
      client.states
        .slice(before)
        .map(({ protection }) => protection.kind)
        .filter((kind) => kind === 'degraded'),
      [],
    )
    assert.ok((await clockOf(client.archive)).some(({ kind }) => kind === 'alive'))
    await client.stop()
  })

  test('a missing, shortened, emptied or changed segment is named, and so is a second writer', async () => {
    const client = capture(postgres.root, 'damaged', { sources: sourceOf(server) })
    client.start()
    await eventually('it streams', async () => client.state?.protection.kind === 'streaming' || undefined)
    const other = pointzero(['capture', '--config', join(postgres.root, 'damaged.json'), '--json'])
    assert.equal(other.status, 3)
    assert.match(other.stdout, /ARCHIVE_IN_USE/)
    for (let round = 0; round < 6; round++) {
      await server.sql("insert into load (body) select repeat('z', 500) from generate_series(1, 100)")
      await server.sql('select pg_switch_wal()')
    }
    await eventually('six segments are in the ledger', async () => {
      const { entries } = await loadLedger(openSystemArchive(client.archive))
      return entries.filter(({ kind }) => kind === 'segment').length >= 6 ? true : undefined
    })
    await client.stop()
    const { entries } = await loadLedger(openSystemArchive(client.archive))
    const names = entries.flatMap((entry) => (entry.kind === 'segment' ? [entry.segment] : []))
    const path = (index: number): string => join(client.archive, 'wal', names[index] ?? '')
    await rm(path(1))
    await truncate(path(2), 1 << 20)
    await writeFile(path(3), new Uint8Array(16 << 20))
    const content = await readFile(path(4))
    content[12345] = (content[12345] ?? 0) ^ 4
    await writeFile(path(4), content)
    const { segmentBytes } = await identityOf(client.archive)
    const defects = await verifyArchive(openSystemArchive(client.archive), segmentBytes, entries)
    assert.deepEqual(
      defects.map(({ file, problem }) => [file, problem]),
      [
        [names[1], 'missing'],
        [names[2], 'truncated'],
        [names[3], 'zero-filled'],
        [names[4], 'altered'],
      ],
    )
    assert.equal(pointzero(['points', '--archive', client.archive, '--verify']).status, 1)
    await server.sql("select pg_drop_replication_slot('damaged')")
  })
})

describe('restarts and failovers on PostgreSQL 15', () => {
  let postgres: PlainPostgres

  before(async () => {
    postgres = await PlainPostgres.open()
  })

  after(async () => postgres.close())

  /** A copy of a stopped server's directory, with its owner. */
  async function copyData(from: string, to: string): Promise<void> {
    await runProgram('cp', ['-a', from, to])
  }

  test('kill -9 of receiver and primary at random moments loses no acknowledged commit', async (t) => {
    const random = new SimRandom(printedSeed())
    const server = await postgres.initialise(systemPostgres, 'killed', [
      'fsync = off',
      'restart_after_crash = off',
    ])
    await server.start()
    const client = capture(postgres.root, 'sync_vault', {
      sources: [{ address: '127.0.0.1', port: server.port }],
    })
    client.start()
    await eventually(
      `it streams ${client.errors}`,
      async () => client.state?.protection.kind === 'streaming' || undefined,
    )
    await server.sql('create table acknowledged (writer int, n int, body text)')
    await caughtUp(server, client)
    await server.stop()
    const base = join(postgres.root, 'base')
    await copyData(server.data, base)
    await server.configure("synchronous_standby_names = 'sync_vault'")
    await server.start()
    await eventually('it is synchronous', async () => client.state?.protection.kind === 'sync' || undefined)

    const acknowledged: string[] = []
    let isOver = false
    const write = async (writer: number): Promise<void> => {
      for (let n = 0; !isOver;) {
        try {
          const session = await server.connect()
          for (; !isOver; n++) {
            await session.simpleQuery(
              `insert into acknowledged values (${writer}, ${n}, repeat('r', ${(n * 37) % 700}))`,
            )
            acknowledged.push(`${writer}/${n}`)
          }
          session.close()
        } catch {
          // Killed: nobody knows about this one, so its number is not used again.
          n += 1
          await sleep(50)
        }
      }
    }
    const writers = Promise.all([0, 1, 2, 3].map(write))
    // Else they would keep this process, and the whole suite with it, for ever after a failure.
    t.after(() => (isOver = true))
    const rounds = { receiver: 0, primary: 0, both: 0 }
    for (let round = 0; round < killRounds / 2; round++) {
      await sleep(100 + random.integer(1200))
      const victim = (['receiver', 'receiver', 'primary', 'both'] as const)[random.integer(4)] ?? 'receiver'
      rounds[victim] += 1
      if (victim !== 'primary') await client.stop('SIGKILL')
      if (victim !== 'receiver') await server.stop('SIGKILL')
      await sleep(random.integer(150))
      if (victim !== 'receiver') await server.start()
      if (victim !== 'primary') client.start()
      const seen = acknowledged.length
      await eventually(
        `commits go on after ${victim}: ${client.errors} ${server.log}`,
        async () => acknowledged.length > seen || undefined,
        60_000,
      )
    }
    // The last blow takes the primary and its disk.
    await server.stop('SIGKILL')
    isOver = true
    const certain = [...acknowledged]
    await writers
    await rm(server.data, { recursive: true })
    await client.stop('SIGKILL')
    console.log(`${certain.length} acknowledged commits, kills ${JSON.stringify(rounds)}`)

    const { entries, defects } = await loadLedger(openSystemArchive(client.archive))
    assert.deepEqual(defects, [])
    assert.deepEqual(
      entries.filter(({ kind }) => kind === 'gap' || kind === 'conflict'),
      [],
    )
    const restored = await restore(base, client.archive)
    const found = new Set(
      (await restored.sql("select writer || '/' || n from acknowledged")).map(([id]) => id),
    )
    assert.deepEqual(
      certain.filter((id) => !found.has(id)),
      [],
    )
    await restored.stop()
    // A restart finds what was left undone: the clock has every commit that the restored server has.
    client.start()
    await eventually('the ledger is complete', async () => {
      const points = pointzero(['points', '--archive', client.archive, '--verify', '--json'])
      const { defects: damaged } = JSON.parse(points.stdout) as { readonly defects: readonly object[] }
      return points.status === 0 && damaged.length === 0 ? true : undefined
    })
    await eventually('the clock is complete', async () => {
      const commits = (await clockOf(client.archive)).filter(({ kind }) => kind === 'commit')
      return commits.length >= certain.length ? true : undefined
    })
    await client.stop()
  })

  /** Recovery by PostgreSQL itself, from a copy of the directory and the archive's files. */
  async function restore(base: string, archive: string): Promise<PlainServer> {
    const wal = join(postgres.root, 'restored-wal')
    await cp(join(archive, 'wal'), wal, { recursive: true })
    for (const name of await readdir(wal))
      if (name.endsWith('.partial')) await copyFile(join(wal, name), join(wal, name.replace('.partial', '')))
    if (postgres.user !== undefined)
      for (const name of ['', ...(await readdir(wal))])
        await chown(join(wal, name), postgres.user.uid, postgres.user.gid)
    const server = await postgres.server(systemPostgres, 'base', [
      `restore_command = 'cp ${wal}/%f %p'`,
      "synchronous_standby_names = ''",
      "recovery_target_timeline = 'latest'",
    ])
    assert.equal(server.data, base)
    await server.touch('recovery.signal')
    await server.start()
    await eventually('recovery is over', async () =>
      (await server.scalar('select pg_is_in_recovery()')) === 'f' ? true : undefined,
    )
    return server
  }

  test('a failover is followed, both histories are kept, and the old primary is acknowledged no more', async () => {
    const settings = ['fsync = off', "wal_keep_size = '64MB'"]
    const a = await postgres.initialise(systemPostgres, 'a', settings)
    await a.start()
    await a.sql('create table t (n int)')
    await a.stop()
    await copyData(a.data, join(postgres.root, 'b'))
    await a.start()
    const b = await postgres.server(systemPostgres, 'b', [
      `primary_conninfo = 'host=127.0.0.1 port=${a.port} user=postgres'`,
    ])
    await b.touch('standby.signal')
    await b.start()
    const sources = [a, b].map(({ port }) => ({ address: '127.0.0.1', port }))
    const client = capture(postgres.root, 'follower', { sources })
    client.start()
    await eventually(
      `it streams ${client.errors}`,
      async () => client.state?.protection.kind === 'streaming' || undefined,
    )
    await a.sql('insert into t select generate_series(1, 100)')
    const both = await caughtUp(a, client)
    await eventually('b has it', async () =>
      positionOf(parseLsn(await b.scalar('select pg_last_wal_replay_lsn()'))) >= both ? true : undefined,
    )
    // What only the archive and the old primary have.
    await b.stop()
    await a.sql('insert into t values (1001)')
    await a.sql('insert into t values (1002)')
    await caughtUp(a, client)
    await a.stop('SIGKILL')
    await b.configure("primary_conninfo = ''")
    await b.start()
    await b.sql('select pg_promote()')
    await b.sql('insert into t select generate_series(2001, 2100)')
    await eventually(
      `it follows ${client.errors}`,
      async () => (client.state?.timeline === 2 && client.state.protection.kind === 'streaming') || undefined,
    )
    const last = await caughtUp(b, client)
    await clockReaches(client, last - 100)
    const names = await readdir(join(client.archive, 'wal'))
    assert.ok(names.includes('00000002.history'))
    assert.ok(
      names.some((name) => name.startsWith('00000001')) && names.some((name) => name.startsWith('00000002')),
    )
    const points = JSON.parse(pointzero(['points', '--archive', client.archive, '--json']).stdout) as {
      readonly leftBehind: readonly { timeline: number; commits: number }[]
      readonly gaps: readonly object[]
    }
    assert.deepEqual(points.gaps, [])
    assert.deepEqual(
      points.leftBehind.map(({ timeline, commits }) => ({ timeline, commits })),
      [{ timeline: 1, commits: 2 }],
    )
    const { entries } = await loadLedger(openSystemArchive(client.archive))
    assert.deepEqual(new Set(entries.map(({ kind }) => kind)), new Set(['history', 'tail']))

    // The old primary comes back alone.
    await b.stop('SIGKILL')
    await a.start()
    await eventually('the old primary is refused', async () => {
      const { protection } = client.state ?? {}
      const text = await readFile(join(client.archive, 'state.json'), 'utf8')
      return protection?.kind === 'degraded' && text.includes('CAPTURE_STALE_PRIMARY') ? true : undefined
    })
    await a.stop('SIGKILL')
    await client.stop()
    await followsWhileAway(b)
  })

  /** The receiver was away while a standby received more and was promoted: it streams the rest of the old timeline from it, then the new one. */
  async function followsWhileAway(a: PlainServer): Promise<void> {
    await a.start()
    await a.stop()
    await copyData(a.data, join(postgres.root, 'd'))
    await a.start()
    const d = await postgres.server(systemPostgres, 'd', [
      `primary_conninfo = 'host=127.0.0.1 port=${a.port} user=postgres'`,
    ])
    await d.touch('standby.signal')
    await d.start()
    const client = capture(postgres.root, 'away', {
      sources: [a, d].map(({ port }) => ({ address: '127.0.0.1', port })),
    })
    client.start()
    await eventually('it streams', async () => client.state?.protection.kind === 'streaming' || undefined)
    await caughtUp(a, client)
    await client.stop('SIGKILL')
    await a.sql('insert into t select generate_series(3001, 3100)')
    const away = positionOf(parseLsn(await a.scalar('select pg_current_wal_flush_lsn()')))
    await eventually('d has it', async () =>
      positionOf(parseLsn(await d.scalar('select pg_last_wal_replay_lsn()'))) >= away ? true : undefined,
    )
    await a.stop('SIGKILL')
    await d.sql('select pg_promote()')
    client.start()
    await eventually(
      `it follows ${client.errors}`,
      async () => (client.state?.timeline === 3 && client.state.protection.kind === 'streaming') || undefined,
    )
    await d.sql('insert into t values (4001)')
    const last = await caughtUp(d, client)
    await clockReaches(client, last - 100)
    const commits = (await clockOf(client.archive)).filter(({ kind }) => kind === 'commit')
    assert.ok(commits.some(({ timeline, start }) => timeline === 2 && start < away))
    assert.ok(commits.some(({ timeline }) => timeline === 3))
    const points = JSON.parse(pointzero(['points', '--archive', client.archive, '--json']).stdout) as {
      readonly gaps: readonly object[]
    }
    assert.deepEqual(points.gaps, [])
    await client.stop()
    await d.stop()
  }

  test('another history under the same timeline number is refused, kept aside and entered in the ledger', async () => {
    const origin = await postgres.initialise(systemPostgres, 'origin', ['fsync = off'])
    await origin.start()
    await origin.sql('create table t (n int)')
    await origin.stop()
    const twins: PlainServer[] = []
    for (const name of ['twin1', 'twin2']) {
      await copyData(origin.data, join(postgres.root, name))
      const twin = await postgres.server(systemPostgres, name)
      await twin.touch('standby.signal')
      await twin.start()
      await twin.sql('select pg_promote()')
      await twin.sql(`insert into t select generate_series(1, ${twins.length + 10})`)
      twins.push(twin)
    }
    const [first, second] = twins as [PlainServer, PlainServer]
    const client = capture(postgres.root, 'twins', { sources: [{ address: '127.0.0.1', port: first.port }] })
    client.start()
    await eventually(
      `it streams ${client.errors}`,
      async () => client.state?.protection.kind === 'streaming' || undefined,
    )
    await caughtUp(first, client)
    await client.stop()
    const wal = join(client.archive, 'wal')
    const partial = (await readdir(wal)).find((name) => name.endsWith('.partial')) ?? ''
    const held = await readFile(join(wal, partial))
    const other = capture(postgres.root, 'twins', { sources: [{ address: '127.0.0.1', port: second.port }] })
    other.start()
    await eventually(
      `it is refused ${other.errors}`,
      async () => other.state?.alarms.includes('conflict') || undefined,
    )
    await eventually('the ledger says so', async () => {
      const { entries } = await loadLedger(openSystemArchive(client.archive))
      return entries.some(({ kind }) => kind === 'conflict') ? true : undefined
    })
    assert.equal(other.state?.protection.kind, 'degraded')
    await other.stop()
    assert.equal(Buffer.compare(await readFile(join(wal, partial)), held), 0)
    assert.equal((await readdir(join(client.archive, 'conflicts'))).length, 1)
    for (const twin of twins) await twin.stop()
  })
})

describe('on the embedded PostgreSQL 18', () => {
  let postgres: PlainPostgres

  before(async () => {
    postgres = await PlainPostgres.open()
  })

  after(async () => postgres.close())

  test('records and ends of transactions are those that pg_walinspect shows', async () => {
    const bin = await prepareEmbeddedPostgres(join(postgres.root, 'programs'))
    const server = await postgres.initialise(bin, 'embedded', ['fsync = off', 'autovacuum = off'])
    await server.start()
    const client = capture(postgres.root, 'vault18', {
      sources: [{ address: '127.0.0.1', port: server.port }],
    })
    client.start()
    await eventually(
      `it streams ${client.errors}`,
      async () => client.state?.protection.kind === 'streaming' || undefined,
    )
    await server.sql('create extension pg_walinspect')
    const from = await server.scalar('select pg_current_wal_insert_lsn()')
    await server.sql('create table t (id int primary key, body text)')
    for (let round = 0; round < 20; round++)
      await server.sql(
        `insert into t select n + ${round * 1000}, md5(n::text) from generate_series(1, 900) n`,
      )
    await server.sql('delete from t where id % 2 = 0')
    await server.sql(
      'begin; savepoint a; insert into t values (-1); savepoint b; insert into t values (-2); commit',
    )
    await server.sql('drop table t')
    const until = await server.scalar('select pg_current_wal_insert_lsn()')
    await server.sql('create table later (n int)')
    const end = await caughtUp(server, client)
    await clockReaches(client, end - 200)
    const rows = await server.sql(
      `select start_lsn, record_type, substring(description from '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d+'), resource_manager
         from pg_get_wal_records_info('${from}', '${until}') order by 1`,
    )
    const expected = rows.flatMap(([lsn, type, time, manager]) =>
      manager === 'Transaction' && (type === 'COMMIT' || type === 'ABORT')
        ? [
            {
              lsn,
              time: Number(
                Temporal.Instant.from(`${(time ?? '').replace(' ', 'T')}Z`).epochNanoseconds / 1000n,
              ),
            },
          ]
        : [],
    )
    const [start, stop] = [from, until].map((lsn) => positionOf(parseLsn(lsn))) as [number, number]
    const clock = (await clockOf(client.archive)).filter(
      (entry) => entry.kind !== 'alive' && entry.start >= start && entry.start < stop,
    )
    assert.ok(expected.length >= 23, `${expected.length}`)
    assert.deepEqual(
      clock.map((entry) => ({ lsn: lsnOf(entry.start), time: entry.timeMicroseconds })),
      expected,
    )
    let records = 0
    const { segmentBytes } = await identityOf(client.archive)
    const stretch = { timeline: 1, segmentBytes, from: start, until: Number.POSITIVE_INFINITY }
    await readWal(openSystemArchive(client.archive), stretch, (record) => {
      if (record.start < stop) records += 1
    })
    assert.equal(records, rows.length)
    await client.stop()
    await server.stop()
  })
})
