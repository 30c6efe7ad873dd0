import assert from 'node:assert/strict'
import { chmod, cp, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadLedger } from '../../src/capture/ledger-writer.ts'
import { prepareEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { openSystemArchive } from '../../src/platform/system-archive.ts'
import { backupsFile, caughtUp, pointzero, resolve, streams } from '../support/capture-bed.ts'
import type { Resolved } from '../support/capture-bed.ts'
import { CaptureClient } from '../support/capture-client.ts'
import { fileDigests } from '../support/file-digests.ts'
import { eventually, PlainPostgres, runProgram } from '../support/plain-postgres.ts'
import type { PlainServer } from '../support/plain-postgres.ts'
import { requireSystemPostgres, systemPostgres } from '../support/postgres-estate.ts'
import { VaultCommands } from '../support/vault-commands.ts'

/** 63 bytes, the longest that PostgreSQL takes. */
const longest = `${'ß'.repeat(28)}"'\n🙂`

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

describe('traps of recovery on PostgreSQL 15', () => {
  let postgres: PlainPostgres
  let server: PlainServer
  let vault: VaultCommands
  let client: CaptureClient
  let backups: readonly string[]
  const times: Record<string, string> = {}
  const owner: string[] = []

  before(async () => {
    requireSystemPostgres()
    postgres = await PlainPostgres.open()
    if (postgres.user !== undefined) owner.push('--owner', `${postgres.user.uid}:${postgres.user.gid}`)
    const settings = ['max_prepared_transactions = 5']
    // Small segments, so that damage and disks can be small too.
    server = await postgres.initialise(systemPostgres, 'source', settings, ['--wal-segsize=1'])
    await server.start()
    vault = await VaultCommands.make(postgres.root)
    const silent = createServer(() => undefined)
    await new Promise<void>((resolved) => silent.listen(0, '127.0.0.1', resolved))
    after(() => silent.close())
    // The first source accepts and says nothing, as a frozen machine does.
    const frozen = { address: '127.0.0.1', port: (silent.address() as AddressInfo).port }
    const sources = [frozen, { address: '127.0.0.1', port: server.port }]
    client = new CaptureClient(postgres.root, 'archive', { sources })
    client.start()
    await streams(client)
    await makeHistory()
  })

  after(async () => {
    await client.stop('SIGKILL')
    await postgres.close()
  })

  const now = async (): Promise<string> =>
    server.scalar('select to_char(clock_timestamp() at time zone \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')')

  /** A base backup, and around it commits whose order and times are known. */
  async function makeHistory(): Promise<void> {
    await server.sql('create table t (n int primary key)')
    await server.sql('create role app login')
    await server.sql('create unlogged table fleeting as select 1 as n')
    await server.sql("select lo_from_bytea(4711, 'large object')")
    await server.sql("create sequence s start 100; select nextval('s')")
    await server.sql("begin; insert into t values (-1); prepare transaction 'pending'")
    times['beforeBackup'] = await now()
    await server.sql('insert into t values (0)')
    await server.sql(`create database ${quoted(longest)}`)
    await server.sql(`create table ${quoted(longest)} as select n from generate_series(1, 500) n`, longest)
    await server.sql('analyze', longest)
    await vault.json(vault.backupOf(server.port))
    backups = await backupsFile(vault, join(postgres.root, 'backups.json'))
    const open = await server.connect()
    await open.simpleQuery('begin; insert into t values (1000)')
    times['openXid'] = (await open.simpleQuery('select pg_current_xact_id()'))[0]?.rows[0]?.[0] ?? ''
    for (let n = 1; n <= 20; n++) await server.sql(`insert into t values (${n})`)
    await sleep(50)
    times['amid'] = await now()
    await sleep(50)
    for (let n = 21; n <= 30; n++) await server.sql(`insert into t values (${n})`)
    await open.simpleQuery('insert into t values (1001); commit')
    open.close()
    for (let round = 0; round < 5; round++) {
      await server.sql(`insert into t select ${round * 100} + 2000 + n from generate_series(1, 50) n`)
      await server.sql('select pg_switch_wal()')
    }
    await server.sql('insert into t values (9999)')
    await eventually('five segments are in the ledger', async () => {
      const { entries } = await loadLedger(openSystemArchive(client.archive))
      return entries.filter(({ kind }) => kind === 'segment').length >= 5 ? true : undefined
    })
    await caughtUp(server, client)
  }

  const ask = async (...target: readonly string[]): Promise<Resolved | string> =>
    resolve(['--archive', client.archive, ...vault.reading, ...target])

  async function segments(archive: string): Promise<readonly string[]> {
    const { entries } = await loadLedger(openSystemArchive(archive))
    return entries.flatMap((entry) => (entry.kind === 'segment' ? [entry.segment] : []))
  }

  test('"latest" over a segment that is missing, flipped, zeroed or short is refused: its name, the last point, the loss', async () => {
    const name = (await segments(client.archive)).at(-2) ?? ''
    const damages: Readonly<Record<string, (file: string) => Promise<void>>> = {
      missing: async (file) => rm(file),
      flipped: async (file) => {
        const bytes = await readFile(file)
        bytes[200] = (bytes[200] as number) ^ 8
        await writeFile(file, bytes)
      },
      zeroed: async (file) => writeFile(file, new Uint8Array(1 << 20)),
      short: async (file) => truncate(file, 1 << 19),
    }
    for (const [how, damage] of Object.entries(damages)) {
      const archive = join(postgres.root, `damaged-${how}`)
      await cp(client.archive, archive, { recursive: true })
      await damage(join(archive, 'wal', name))
      const refusal = await resolve(['--archive', archive, ...backups, '--verify', '--end'])
      assert.ok(typeof refusal === 'string', `${how}: it was not refused`)
      assert.match(refusal, /TARGET_UNREACHABLE/)
      assert.match(
        refusal,
        new RegExp(`${name} is missing or damaged. The nearest point is after the commit at`),
      )
      assert.match(refusal, /loses [\d.]+ s and [1-9]\d* known transactions/)
      const listed = await pointzero(['points', '--archive', archive, '--verify'])
      assert.equal(listed.code, 1)
      assert.match(listed.stdout, new RegExp(name))
    }
  })

  test('a segment that is not what its name says is refused when it is taken in, not first at a restore', async () => {
    const archive = join(postgres.root, 'taken-in')
    await cp(client.archive, archive, { recursive: true })
    const last = (await segments(archive)).at(-1) ?? ''
    // As a copy by hand that broke off leaves it: a name, and half of its bytes.
    await rm(join(archive, 'ledger'))
    await truncate(join(archive, 'wal', last), 1 << 19)
    const taker = new CaptureClient(postgres.root, 'taken-in', {
      ...{ sources: [{ address: '127.0.0.1', port: server.port }], slot: 'taken_in' },
    })
    taker.start()
    assert.equal(await taker.exited(), 3)
    assert.match(taker.errors, /WAL_SEGMENT_FOREIGN/)
    assert.match(taker.errors, new RegExp(last))
    await server.sql(
      "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'taken_in'",
    )
  })

  test('a target before the base backup or beyond the archive is refused with the earliest point or the end', async () => {
    const early = await ask('--time', times['beforeBackup'] ?? '')
    assert.ok(typeof early === 'string')
    const [, endLsn = ''] =
      /"endLsn":"([^"]+)"/.exec(await readFile(join(postgres.root, 'backups.json'), 'utf8')) ?? []
    assert.match(
      early,
      new RegExp(`before the end of the oldest base backup: the earliest point is ${endLsn}`),
    )
    const late = await ask('--time', '2099-01-01T00:00:00Z')
    assert.ok(typeof late === 'string')
    assert.match(
      late,
      /beyond the archive, which ends at [0-9A-F]+\/[0-9A-F]+, known until .* s before the wanted time/s,
    )
  })

  test('a time amid an open transaction is one LSN; PostgreSQL replayed to it holds whole transactions only', async () => {
    const target = await ask('--time', times['amid'] ?? '')
    assert.ok(typeof target !== 'string')
    const again = await ask('--lsn', target.lsn)
    assert.ok(typeof again !== 'string')
    assert.equal(again.lsn, target.lsn)
    const xids = [...target.before, ...target.after].map(({ xid }) => String(xid))
    assert.ok(!xids.includes(times['openXid'] ?? ''), 'it commits later than what is shown')
    const restored = await replayed('amid', target)
    const rows = (await restored.sql('select n from t order by n')).map(([n]) => Number(n))
    assert.deepEqual(
      rows,
      Array.from({ length: 21 }, (_, n) => n),
    )
    await kindsOfData(restored)
    await restored.stop()
  })

  /** What a physical copy brings back, and what it can not. */
  async function kindsOfData(restored: PlainServer): Promise<void> {
    assert.equal(await restored.scalar('select count(*) from fleeting'), '0', 'unlogged: there, and empty')
    assert.equal(await restored.scalar('select gid from pg_prepared_xacts'), 'pending')
    await restored.sql("rollback prepared 'pending'")
    assert.equal(await restored.scalar("select convert_from(lo_get(4711), 'UTF8')"), 'large object')
    assert.equal(await restored.scalar("select rolcanlogin from pg_roles where rolname = 'app'"), 't')
    assert.ok(Number(await restored.scalar("select nextval('s')")) > 100)
    const rows = await restored.sql(`select count(*) from ${quoted(longest)}`, longest)
    assert.equal(rows[0]?.[0], '500')
  }

  /** The vault's snapshot with the archive's WAL, by PostgreSQL's own recovery. */
  async function replayed(name: string, target: Resolved): Promise<PlainServer> {
    const wal = join(postgres.root, `${name}-wal`)
    await cp(join(client.archive, 'wal'), wal, { recursive: true })
    const data = join(postgres.root, name)
    await vault.json(['restore', target.backup.id, ...vault.reading, ...vault.key, ...owner, '--into', data])
    await runProgram('chmod', ['-R', 'a+rX', wal])
    const restored = await postgres.server(systemPostgres, name, [
      `restore_command = 'cp ${wal}/%f %p || cp ${wal}/%f.partial %p'`,
      `recovery_target_lsn = '${target.lsn}'`,
      `recovery_target_inclusive = ${target.inclusive}`,
      "recovery_target_action = 'promote'",
    ])
    await restored.touch('recovery.signal')
    await restored.start()
    await eventually('recovery is over', async () =>
      (await restored.scalar('select pg_is_in_recovery()')) === 'f' ? true : undefined,
    )
    return restored
  }

  test('looking, verifying and restoring changes no byte of vault, archive and slots, and no directory with data', async () => {
    const slots =
      "select string_agg(slot_name || restart_lsn || active, ' ' order by 1) from pg_replication_slots"
    await client.stop()
    const state = async () => [
      await fileDigests(vault.store),
      await fileDigests(client.archive),
      await server.scalar(slots),
    ]
    const before = await state()
    await vault.json(['verify', 'all', ...vault.reading, ...vault.key])
    await pointzero(['points', '--archive', client.archive, ...backups, '--verify'])
    await pointzero(['corruption', 'find', '--archive', client.archive, '--from', '0/0'])
    await vault.json([
      'restore',
      'latest',
      ...vault.reading,
      ...vault.key,
      '--into',
      join(postgres.root, 'looked-at'),
    ])
    const refused = await vault.run([
      'restore',
      'latest',
      ...vault.reading,
      ...vault.key,
      '--into',
      server.data,
    ])
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /RESTORE_TARGET_NOT_EMPTY/)
    assert.equal(
      await server.scalar('select count(*) from t where n = 9999'),
      '1',
      'the running server runs on',
    )
    assert.deepEqual(await state(), before)
    client.start()
    await streams(client)
  })

  test('what took a table with quotes, a newline and an emoji in its 63 bytes is found by that name, on one line', async () => {
    assert.equal(Buffer.byteLength(longest), 63)
    await server.sql(`drop table ${quoted(longest)}`, longest)
    await caughtUp(server, client)
    const find = ['corruption', 'find', '--archive', client.archive, '--from', '0/0']
    const { transactions } = JSON.parse((await pointzero([...find, '--json'])).stdout) as {
      readonly transactions: readonly {
        readonly kind: string
        readonly name?: string
        readonly rows?: number
      }[]
    }
    const drop = transactions.find(({ kind }) => kind === 'drop')
    assert.equal(drop?.name, `${longest}.public.${longest}`)
    assert.equal(drop.rows, 500)
    const lines = (await pointzero(find)).stdout.split('\n').filter((line) => line.includes('ßß'))
    assert.equal(lines.length, 1, lines.join('|'))
  })

  test('tablespaces elsewhere are refused before anything is stored', async () => {
    const place = join(postgres.root, 'elsewhere')
    await mkdir(place)
    await runProgram('chown', [`${postgres.user?.uid ?? 0}:${postgres.user?.gid ?? 0}`, place])
    await server.sql(`create tablespace elsewhere location '${place}'`)
    const before = await fileDigests(vault.store)
    const refused = await vault.run(vault.backupOf(server.port))
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /PG_TABLESPACES_UNSUPPORTED/)
    assert.deepEqual(await fileDigests(vault.store), before)
    await server.sql('drop tablespace elsewhere')
  })

  test('a snapshot restored by the stand-alone reader passes pg_verifybackup and pg_amcheck', async () => {
    const [first] = await vault.snapshots()
    const data = join(postgres.root, 'by-the-reader')
    const read = await vault.reader(['restore', first?.snapshot ?? '', data])
    assert.equal(read.code, 0, read.stderr)
    const verified = await runProgram(join(systemPostgres, 'pg_verifybackup'), [data])
    assert.match(verified, /backup successfully verified/)
    if (postgres.user !== undefined)
      await runProgram('chown', ['-R', `${postgres.user.uid}:${postgres.user.gid}`, data])
    const restored = await postgres.server(systemPostgres, 'by-the-reader')
    await restored.start()
    // It holds a lock that the check would wait for.
    await restored.sql("rollback prepared 'pending'")
    const where = ['-h', '127.0.0.1', '-p', String(restored.port), '-U', 'postgres']
    await runProgram(join(systemPostgres, 'pg_amcheck'), [
      ...where,
      ...['--all', '--install-missing', '--heapallindexed', '--rootdescend'],
    ])
    await restored.stop()
  })

  test('a disk that fills up under the receiver ends it with a clear error; with room again nothing acknowledged is missing', async () => {
    assert.equal(process.getuid?.(), 0, 'only root can mount a disk of 40 MiB')
    const mount = join(postgres.root, 'small')
    await mkdir(mount)
    await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', mount])
    const small = new CaptureClient(mount, 'small', {
      sources: [{ address: '127.0.0.1', port: server.port }],
    })
    try {
      await chmod(mount, 0o755)
      small.start()
      await streams(small)
      const exit = small.exited()
      for (let round = 0; round < 6; round++)
        await server.sql(
          `create table bulk${round} as select repeat('z', 1000) from generate_series(1, 9000)`,
        )
      assert.notEqual(await exit, 0)
      assert.match(small.errors, /ENOSPC|no space left/i)
      const kept = await server.scalar(
        "select restart_lsn from pg_replication_slots where slot_name = 'small'",
      )
      assert.notEqual(kept, '')
      await runProgram('mount', ['-o', 'remount,size=400m', mount])
      const said = small.states.length
      small.start()
      await streams(small)
      assert.equal(small.states[said]?.protection.kind, 'degraded', 'it speaks before it has caught up')
      await caughtUp(server, small)
      const points = await pointzero(['points', '--archive', small.archive, '--verify', '--json'])
      const { gaps, defects } = JSON.parse(points.stdout) as {
        readonly gaps: readonly object[]
        readonly defects: readonly object[]
      }
      assert.deepEqual([gaps, defects], [[], []])
    } finally {
      await small.stop('SIGKILL')
      await runProgram('umount', [mount])
    }
  })
})

describe('a vault of the embedded PostgreSQL 18', () => {
  test('is backed up, verified, restored and started', async () => {
    const postgres = await PlainPostgres.open()
    try {
      const bin = await prepareEmbeddedPostgres(join(postgres.root, 'programs'))
      const server = await postgres.initialise(bin, 'source', ['fsync = off'])
      await server.start()
      await server.sql('create table t as select n from generate_series(1, 1000) n')
      const vault = await VaultCommands.make(postgres.root)
      await vault.json(vault.backupOf(server.port))
      assert.equal((await vault.json(['verify', 'latest', ...vault.reading, ...vault.key]))['ok'], true)
      const { uid, gid } = postgres.user ?? { uid: 0, gid: 0 }
      const owner = postgres.user === undefined ? [] : ['--owner', `${uid}:${gid}`]
      const data = join(postgres.root, 'restored')
      await vault.json(['restore', 'latest', ...vault.reading, ...vault.key, ...owner, '--into', data])
      const restored = await postgres.server(bin, 'restored')
      await restored.start()
      assert.equal(await restored.scalar('select count(*) from t'), '1000')
      await restored.stop()
    } finally {
      await postgres.close()
    }
  })
})
