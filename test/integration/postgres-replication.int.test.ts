import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { lsnFromBigint, lsnToBigint, parseLsn } from '../../src/domain/lsn.ts'
import { prepareEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { openRestoreTarget } from '../../src/platform/restore-target.ts'
import { openTcpStream } from '../../src/platform/tcp-stream.ts'
import type { RestoreTarget } from '../../src/ports/restore-target.ts'
import { cloneBaseBackup } from '../../src/protocol/base-backup-clone.ts'
import { openPostgresConnection } from '../../src/protocol/postgres-connection.ts'
import type { PostgresConnection, PostgresConnectionOptions } from '../../src/protocol/postgres-connection.ts'
import {
  createReplicationSlot,
  dropReplicationSlot,
  identifySystem,
  showSetting,
  startLogicalReplication,
  startPhysicalReplication,
  timelineHistory,
} from '../../src/protocol/postgres-replication.ts'
import { freePort } from '../support/free-port.ts'
import { runProgram } from '../support/plain-postgres.ts'
import { serverUser } from '../support/server-user.ts'

const password = 'correct horse, battery = ünïcode\u00a0staple'
const systemBin = '/usr/lib/postgresql/15/bin'

interface Server {
  readonly bin: string
  readonly data: string
  readonly port: number
  readonly process: ChildProcess
}

async function connect(
  port: number,
  options: Partial<PostgresConnectionOptions> = {},
  signal?: AbortSignal,
): Promise<PostgresConnection> {
  const stream = await openTcpStream({
    address: '127.0.0.1',
    port,
    connectTimeoutMs: 5_000,
    ...(signal === undefined ? {} : { signal }),
  })
  return openPostgresConnection(stream, {
    user: 'postgres',
    password,
    database: 'postgres',
    applicationName: 'pointzero_test',
    nonce: () => randomBytes(18).toString('base64'),
    tls: { policy: 'disable' },
    ...options,
  })
}

async function scalar(connection: PostgresConnection, sql: string): Promise<string> {
  return (await connection.simpleQuery(sql))[0]?.rows[0]?.[0] ?? ''
}

/** Polls until `probe` returns something; fails after a minute with the last error. */
async function eventually<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  let last: unknown
  for (let attempt = 0; attempt < 300; attempt++) {
    try {
      const found = await probe()
      if (found !== undefined) return found
    } catch (error) {
      last = error
    }
    await sleep(200)
  }
  throw new Error(`never happened: ${what}`, { cause: last })
}

/** One server and its clones in one directory of their own; `stop` leaves nothing behind. */
class Cluster {
  readonly root: string
  readonly user: { readonly uid: number; readonly gid: number } | undefined
  readonly #running = new Set<ChildProcess>()

  constructor(root: string, user: Cluster['user']) {
    this.root = root
    this.user = user
  }

  static async open(): Promise<Cluster> {
    const root = await mkdtemp(join(tmpdir(), 'pointzero-replication-'))
    const user = serverUser()
    await chmod(root, 0o755)
    if (user !== undefined) await chown(root, user.uid, user.gid)
    return new Cluster(root, user)
  }

  path(name: string): string {
    return join(this.root, name)
  }

  target(name: string): RestoreTarget {
    return openRestoreTarget(this.path(name), this.user)
  }

  async initialise(bin: string, name: string): Promise<void> {
    const passwordFile = this.path('password')
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    if (this.user !== undefined) await chown(passwordFile, this.user.uid, this.user.gid)
    const args = ['-D', this.path(name), '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', passwordFile]
    await runProgram(join(bin, 'initdb'), [...args, '-E', 'UTF8', '--locale=C', '--no-sync'], this.user)
    await appendFile(
      join(this.path(name), 'postgresql.conf'),
      "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nshared_buffers = '16MB'\n" +
        "wal_level = logical\nwal_keep_size = '64MB'\nmax_wal_senders = 8\nwal_retrieve_retry_interval = '200ms'\n",
    )
  }

  async start(bin: string, name: string): Promise<Server> {
    const port = await freePort()
    const data = this.path(name)
    const child = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port)], {
      ...this.user,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)))
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    await eventually(`PostgreSQL answers on ${port}`, async () => {
      assert.equal(child.exitCode, null, log)
      const connection = await connect(port)
      connection.close()
      return true
    })
    return { bin, data, port, process: child }
  }

  async stop(): Promise<void> {
    for (const child of this.#running) {
      const gone = once(child, 'exit')
      child.kill('SIGINT')
      const timer = setTimeout(() => child.kill('SIGQUIT'), 10_000)
      await gone
      clearTimeout(timer)
    }
    await rm(this.root, { recursive: true, force: true })
  }
}

/** Commits small transactions until it is told to stop. */
function writeLoad(port: number): { stop(): Promise<number> } {
  let running = true
  const done = (async () => {
    const connection = await connect(port)
    let commits = 0
    for (; running; commits++) {
      await connection.simpleQuery(
        "insert into load (body) select repeat('x', 200) from generate_series(1, 20)",
      )
      await sleep(2)
    }
    connection.close()
    return commits
  })()
  return {
    stop() {
      running = false
      return done
    },
  }
}

async function cloneUnderLoad(cluster: Cluster, source: Server, name: string) {
  const load = writeLoad(source.port)
  await sleep(300)
  const connection = await connect(source.port, { replication: 'physical' })
  const progress: number[] = []
  const clone = await cloneBaseBackup(connection, cluster.target(name), {
    label: "it's a test",
    checkpoint: 'fast',
    onProgress: ({ doneBytes }) => progress.push(doneBytes),
  })
  connection.close()
  const commits = await load.stop()
  assert.ok(commits > 20, `only ${commits} commits ran beside the copy`)
  assert.ok(progress.length > 0)
  assert.ok(clone.walHeldBySlot)
  assert.ok(lsnToBigint(clone.endLsn) > lsnToBigint(clone.startLsn))
  return clone
}

/** Starts the clone as a standby and waits until it streams and shows every row of the source. */
async function followsSource(cluster: Cluster, source: Server, name: string): Promise<Server> {
  const data = cluster.path(name)
  await writeFile(join(data, 'standby.signal'), '')
  const conninfo = `host=127.0.0.1 port=${source.port} user=postgres password=''${password}'' application_name=${name}`
  await appendFile(
    join(data, 'postgresql.auto.conf'),
    `primary_conninfo = '${conninfo.replaceAll("''", "\\'")}'\n`,
  )
  const standby = await cluster.start(source.bin, name)
  const primary = await connect(source.port)
  const expected = await scalar(primary, 'select count(*) from load')
  await eventually('the standby streams', async () => {
    const state = await scalar(
      primary,
      `select state from pg_stat_replication where application_name = '${name}'`,
    )
    return state === 'streaming' ? state : undefined
  })
  const reader = await connect(standby.port)
  await eventually(`the standby has ${expected} rows`, async () => {
    const found = await scalar(reader, 'select count(*) from load')
    return found === expected ? found : undefined
  })
  await primary.simpleQuery("insert into load (body) values ('after the copy')")
  await eventually('a later row arrives', async () => {
    const found = await scalar(reader, "select count(*) from load where body = 'after the copy'")
    return found === '1' ? found : undefined
  })
  assert.equal(await scalar(reader, 'select pg_is_in_recovery()'), 't')
  reader.close()
  primary.close()
  return standby
}

async function createLoadTable(port: number): Promise<void> {
  const connection = await connect(port)
  await connection.simpleQuery('create table load (id bigserial primary key, body text)')
  await connection.simpleQuery(
    "insert into load (body) select repeat('y', 500) from generate_series(1, 20000)",
  )
  connection.close()
}

describe('PostgreSQL 15 over the replication protocol', () => {
  let cluster: Cluster
  let source: Server

  before(async () => {
    if (!existsSync(join(systemBin, 'postgres'))) {
      throw new Error('PostgreSQL 15 is missing: apt-get install postgresql-15')
    }
    cluster = await Cluster.open()
    await cluster.initialise(systemBin, 'source')
    const key = cluster.path('source/server.key')
    const certificate = cluster.path('source/server.crt')
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const keyArgs = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2']
    await runProgram('openssl', ['req', '-x509', ...keyArgs, ...subject], cluster.user)
    await chmod(key, 0o600)
    await appendFile(cluster.path('source/postgresql.conf'), 'ssl = on\n')
    const rules = cluster.path('source/pg_hba.conf')
    const oldMethods = 'host all legacy 127.0.0.1/32 md5\nhost all plain 127.0.0.1/32 password\n'
    await writeFile(rules, oldMethods + (await readFile(rules, 'utf8')))
    source = await cluster.start(systemBin, 'source')
    await createLoadTable(source.port)
  })

  after(() => cluster.stop())

  test('authenticates with SCRAM, and says what to do about a wrong password', async () => {
    const connection = await connect(source.port)
    assert.equal(connection.majorVersion, 15)
    assert.equal(await scalar(connection, 'select current_user'), 'postgres')
    connection.close()
    await assert.rejects(connect(source.port, { password: 'wrong' }), {
      code: 'PG_SERVER_ERROR',
      sqlstate: '28P01',
      severity: 'FATAL',
      class: 'permanent',
    })
  })

  test('answers md5, and a request for clear text only inside TLS', async () => {
    const session = await connect(source.port)
    await session.simpleQuery("set password_encryption = 'md5'")
    await session.simpleQuery(
      "create role legacy login password 'old'; create role plain login password 'older'",
    )
    session.close()
    const legacy = await connect(source.port, { user: 'legacy', password: 'old' })
    assert.equal(await scalar(legacy, 'select current_user'), 'legacy')
    legacy.close()
    const plain = { user: 'plain', password: 'older' }
    await assert.rejects(connect(source.port, plain), { code: 'PG_CLEARTEXT_REFUSED' })
    const encrypted = await connect(source.port, {
      ...plain,
      tls: { policy: 'require', serverName: 'localhost' },
    })
    assert.equal(await scalar(encrypted, 'select current_user'), 'plain')
    encrypted.close()
  })

  test('reports an error with its SQLSTATE and serves the next query', async () => {
    const connection = await connect(source.port)
    await assert.rejects(connection.simpleQuery('select 1; select * from absent; select 2'), {
      sqlstate: '42P01',
    })
    const results = await connection.simpleQuery("select 1 as a, null as b; select 'x' where false; ")
    assert.deepEqual(results[0], { columns: ['a', 'b'], rows: [['1', null]], tag: 'SELECT 1' })
    assert.deepEqual(results[1]?.rows, [])
    connection.close()
  })

  test('copies out what the server sends, larger than any buffer between', async () => {
    const connection = await connect(source.port)
    let bytes = 0
    for await (const chunk of connection.copyOut(
      "copy (select repeat('z', 1000) from generate_series(1, 20000)) to stdout",
    )) {
      bytes += chunk.length
    }
    assert.equal(bytes, 20_000 * 1001)
    assert.equal(await scalar(connection, 'select 1'), '1')
    connection.close()
  })

  test('speaks TLS and refuses a certificate for another name', async () => {
    const certificateAuthorities = await readFile(cluster.path('source/server.crt'), 'utf8')
    const tls = { policy: 'verify-full', certificateAuthorities } as const
    const connection = await connect(source.port, { tls: { ...tls, serverName: 'localhost' } })
    assert.equal(connection.encrypted, true)
    assert.equal(await scalar(connection, 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'), 't')
    connection.close()
    const byAddress = await connect(source.port, { tls: { ...tls, serverName: '127.0.0.1' } })
    byAddress.close()
    await assert.rejects(connect(source.port, { tls: { ...tls, serverName: 'db.example' } }), {
      code: 'PG_TLS_FAILED',
    })
    await assert.rejects(connect(source.port, { tls: { policy: 'verify-full', serverName: 'localhost' } }), {
      code: 'PG_TLS_FAILED',
    })
  })

  test('clones under write load into a copy that pg_verifybackup accepts and that streams as a standby', async () => {
    const clone = await cloneUnderLoad(cluster, source, 'standby')
    const report = await runProgram(
      join(systemBin, 'pg_verifybackup'),
      [cluster.path('standby')],
      cluster.user,
    )
    assert.match(report, /backup successfully verified/)
    const modes = await Promise.all(
      ['', 'base', 'global/pg_control', 'backup_manifest', 'PG_VERSION'].map(
        async (path) => (await stat(join(cluster.path('standby'), path))).mode & 0o777,
      ),
    )
    assert.deepEqual(modes, [0o700, 0o700, 0o600, 0o600, 0o600])
    const identity = await connect(source.port, { replication: 'physical' })
    assert.equal((await identifySystem(identity)).systemIdentifier, clone.systemIdentifier)
    assert.equal(await showSetting(identity, 'wal_segment_size'), '16MB')
    identity.close()
    const standby = await followsSource(cluster, source, 'standby')

    const session = await connect(standby.port)
    assert.equal(await scalar(session, 'select pg_promote()'), 't')
    session.close()
    const promoted = await connect(standby.port, { replication: 'physical' })
    const next = await eventually('timeline 2', async () => {
      const found = await identifySystem(promoted)
      return found.timeline === 2 ? found : undefined
    })
    const history = await timelineHistory(promoted, 2)
    assert.equal(history.fileName, '00000002.history')
    assert.match(history.content, /^1\t/m)
    const start = lsnFromBigint((lsnToBigint(clone.startLsn) / 0x100_0000n) * 0x100_0000n)
    const stream = await startPhysicalReplication(promoted, { start, timeline: 1 })
    for await (const message of stream.messages)
      assert.ok(message.kind === 'wal' || message.kind === 'keepalive')
    const after = await stream.finish()
    assert.equal(after?.timeline, 2)
    assert.ok(after !== undefined && lsnToBigint(after.start) <= lsnToBigint(next.flushLsn))
    // Nothing is left of timeline 1 at its end: the server answers without streaming.
    const empty = await startPhysicalReplication(promoted, { start: after.start, timeline: 1 })
    for await (const message of empty.messages) assert.fail(message.kind)
    assert.deepEqual(await empty.finish(), after)
    promoted.close()
  })

  test('receives a WAL segment byte for byte as the server has it', async () => {
    const session = await connect(source.port)
    const segmentBytes = 0x100_0000n
    const current = parseLsn(await scalar(session, 'select pg_current_wal_lsn()'))
    const start = lsnFromBigint((lsnToBigint(current) / segmentBytes) * segmentBytes)
    await session.simpleQuery("insert into load (body) select repeat('w', 900) from generate_series(1, 3000)")
    await session.simpleQuery('select pg_switch_wal()')
    await session.simpleQuery("insert into load (body) values ('next segment')")
    const file = await scalar(session, `select pg_walfile_name('${lsnFromBigint(lsnToBigint(start) + 1n)}')`)

    const connection = await connect(source.port, { replication: 'physical' })
    const stream = await startPhysicalReplication(connection, { start, timeline: 1 })
    const pieces: Uint8Array[] = []
    let position = lsnToBigint(start)
    for await (const message of stream.messages) {
      if (message.kind === 'wal') {
        assert.equal(lsnToBigint(message.start), position)
        pieces.push(message.bytes.slice())
        position += BigInt(message.bytes.length)
      }
      const flushed = lsnFromBigint(position)
      await stream.sendStatus({
        written: flushed,
        flushed,
        applied: flushed,
        atMicroseconds: BigInt(Date.now()) * 1000n,
        replyRequested: false,
      })
      if (position >= lsnToBigint(start) + segmentBytes) break
    }
    const seen = await eventually('the server knows what we flushed', async () => {
      const flush = await scalar(
        session,
        "select flush_lsn from pg_stat_replication where application_name = 'pointzero_test'",
      )
      return flush === '' ? undefined : parseLsn(flush)
    })
    assert.ok(lsnToBigint(seen) <= position)
    await stream.finish()
    assert.equal((await identifySystem(connection)).timeline, 1)
    const received = Buffer.concat(pieces).subarray(0, Number(segmentBytes))
    assert.ok(received.equals(await readFile(join(source.data, 'pg_wal', file))))
    connection.close()
    session.close()
  })

  test('streams committed changes from a logical slot, and drops the slot', async () => {
    const session = await connect(source.port)
    await session.simpleQuery('create publication pz for table load')
    const connection = await connect(source.port, { replication: 'logical' })
    const slot = await createReplicationSlot(connection, 'pz_logical', {
      kind: 'logical',
      plugin: 'pgoutput',
      temporary: false,
    })
    assert.ok(slot.consistentPoint !== undefined)
    await session.simpleQuery("insert into load (body) values ('logical change')")
    const stream = await startLogicalReplication(connection, {
      start: slot.consistentPoint,
      slot: 'pz_logical',
      pluginOptions: { proto_version: '1', publication_names: 'pz' },
    })
    const kinds: string[] = []
    for await (const message of stream.messages) {
      if (message.kind === 'wal') kinds.push(String.fromCharCode(message.bytes[0] ?? 0))
      if (kinds.at(-1) === 'C') break
    }
    assert.deepEqual(kinds, ['B', 'R', 'I', 'C'])
    await stream.finish()
    await dropReplicationSlot(connection, 'pz_logical', { wait: true })
    await assert.rejects(dropReplicationSlot(connection, 'pz_logical'), { sqlstate: '42704' })
    assert.equal(await scalar(session, 'select count(*) from pg_replication_slots'), '0')
    connection.close()
    session.close()
  })

  test('refuses a directory that is not empty and changes nothing in it', async () => {
    await mkdir(cluster.path('occupied'))
    await writeFile(cluster.path('occupied/precious'), 'the last good copy')
    const connection = await connect(source.port, { replication: 'physical' })
    await assert.rejects(
      cloneBaseBackup(connection, cluster.target('occupied'), { label: 'x', checkpoint: 'fast' }),
      { code: 'RESTORE_TARGET_NOT_EMPTY', class: 'refused' },
    )
    connection.close()
    assert.deepEqual(await readdir(cluster.path('occupied')), ['precious'])
    assert.equal(await readFile(cluster.path('occupied/precious'), 'utf8'), 'the last good copy')
  })

  test('leaves no pg_control when the copy breaks off, and refuses to go on in what is left', async () => {
    const abort = new AbortController()
    const connection = await connect(source.port, { replication: 'physical' }, abort.signal)
    const target = cluster.target('broken')
    let files = 0
    const aborting: RestoreTarget = {
      ...target,
      createFile(path) {
        if (++files === 200) abort.abort(new Error('enough'))
        return target.createFile(path)
      },
    }
    await assert.rejects(cloneBaseBackup(connection, aborting, { label: 'x', checkpoint: 'fast' }), {
      code: 'PG_CLONE_INCOMPLETE',
      class: 'permanent',
      message: /unusable, incomplete copy without pg_control/,
    })
    assert.ok(existsSync(cluster.path('broken/backup_label')))
    assert.equal(existsSync(cluster.path('broken/global/pg_control')), false)
    const again = await connect(source.port, { replication: 'physical' })
    await assert.rejects(cloneBaseBackup(again, target, { label: 'x', checkpoint: 'fast' }), {
      code: 'RESTORE_TARGET_NOT_EMPTY',
    })
    again.close()
  })

  test('refuses another database system and tablespaces elsewhere before it writes anything', async () => {
    const other = await connect(source.port, { replication: 'physical' })
    const options = { label: 'x', checkpoint: 'fast' } as const
    await assert.rejects(
      cloneBaseBackup(other, cluster.target('other'), { ...options, expectedSystemIdentifier: '1' }),
      { code: 'PG_IDENTITY', class: 'refused' },
    )
    other.close()
    assert.equal(existsSync(cluster.path('other')), false)

    await mkdir(cluster.path('space'))
    if (cluster.user !== undefined) await chown(cluster.path('space'), cluster.user.uid, cluster.user.gid)
    const session = await connect(source.port)
    await session.simpleQuery(`create tablespace elsewhere location '${cluster.path('space')}'`)
    const connection = await connect(source.port, { replication: 'physical' })
    await assert.rejects(cloneBaseBackup(connection, cluster.target('spaced'), options), {
      code: 'PG_TABLESPACES_UNSUPPORTED',
      class: 'refused',
    })
    assert.deepEqual(await readdir(cluster.path('spaced')), [])
    await session.simpleQuery('drop tablespace elsewhere')
    session.close()
  })
})

describe('the embedded PostgreSQL 18', () => {
  let cluster: Cluster
  let source: Server

  before(async () => {
    cluster = await Cluster.open()
    const bin = await prepareEmbeddedPostgres(cluster.path('programs'))
    await cluster.initialise(bin, 'source')
    source = await cluster.start(bin, 'source')
    await createLoadTable(source.port)
  })

  after(() => cluster.stop())

  test('clones under write load into a copy that streams as a standby', async () => {
    const clone = await cloneUnderLoad(cluster, source, 'standby')
    const manifest = await readFile(cluster.path('standby/backup_manifest'), 'utf8')
    assert.match(manifest, new RegExp(`"System-Identifier": ${clone.systemIdentifier}`))
    await followsSource(cluster, source, 'standby')
  })
})
