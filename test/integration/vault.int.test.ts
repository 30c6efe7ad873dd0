import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { FileObjectStore } from '../../src/drivers/file/file-object-store.ts'
import { fileDigests } from '../support/file-digests.ts'
import {
  connectClient,
  PostgresEstate,
  requireSystemPostgres,
  sql,
  systemPostgres,
} from '../support/postgres-estate.ts'
import type { Node } from '../support/postgres-estate.ts'

const repository = join(import.meta.dirname, '..', '..')
const execute = promisify(execFile)

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function node(args: readonly string[]): Promise<Ended> {
  const options = { cwd: repository, maxBuffer: 64 * 1024 * 1024 }
  return execute(process.execPath, [...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { readonly code?: number; readonly stdout: string; readonly stderr: string }) => ({
      code: error.code ?? -1,
      stdout: error.stdout,
      stderr: error.stderr,
    }),
  )
}

async function runProgram(program: string, args: readonly string[]): Promise<string> {
  return (await execute(program, [...args], { env: { ...process.env, LC_ALL: 'C' } })).stdout
}

async function scalar(server: Node, text: string): Promise<string> {
  return String(Object.values((await sql(server, text))[0] ?? {})[0])
}

const pointzero = async (...args: readonly string[]) => node(['src/cli/main.ts', 'vault', ...args])

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await pointzero(...args, '--json')
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
  return JSON.parse(stdout) as Record<string, unknown>
}

/** Commits rows until it is told to stop; returns the last one that was acknowledged. */
function writeLoad(server: Node): { stop(): Promise<number> } {
  let running = true
  const done = (async () => {
    const client = await connectClient(server)
    let id = 0
    for (; running; id++) {
      await client.query(`insert into load values (${id}, repeat(md5('${id}'), 20))`)
      if (id % 50 === 0) await client.query(`update events set body = body || ' ' where id % 97 = ${id % 97}`)
    }
    await client.end()
    return id - 1
  })()
  return {
    async stop() {
      running = false
      return done
    },
  }
}

describe('a vault of PostgreSQL 15', () => {
  let estate: PostgresEstate
  let source: Node
  let directory: string
  let vault: readonly string[]
  let key: string

  before(async () => {
    requireSystemPostgres()
    estate = await PostgresEstate.open(systemPostgres)
    source = await estate.node('source')
    await estate.primary(source)
    await writeFile(join(estate.root, 'password'), source.config.password ?? '', { mode: 0o600 })
    await sql(source, 'create table load (id bigint primary key, body text)')
    await sql(
      source,
      "create table events as select g as id, md5(g::text) || repeat('x', 400) as body from generate_series(1, 60000) g",
    )
    directory = join(estate.root, 'vault')
    await mkdir(directory)
    const keys = join(estate.root, 'keys')
    await json('init', '--store', directory, '--out', keys)
    vault = ['--store', directory, '--pin', join(keys, 'vault.pin.json')]
    key = `file:${join(keys, 'recovery.pem')}`
  })

  after(() => estate.close())

  const writer = () => `file:${join(estate.root, 'keys', 'writer.json')}`

  const server = () => [
    ...['--host', '127.0.0.1', '--port', String(source.config.port), '--user', source.config.superuser],
    ...['--password', `file:${join(estate.root, 'password')}`, '--component', 'orders'],
  ]

  const backUp = async (...more: readonly string[]) => {
    const where = server()
    return json('backup', '--store', directory, '--writer', writer(), ...where, ...more)
  }

  const owner = () => {
    const { runAs } = source.config
    return runAs === undefined ? [] : ['--owner', `${runAs.uid}:${runAs.gid}`]
  }

  test('backs up under write load, verifies, restores into what pg_verifybackup accepts and PostgreSQL starts', async () => {
    const load = writeLoad(source)
    await sleep(300)
    const before = Number(await scalar(source, 'select max(id) from load'))
    const snapshot = await backUp()
    await load.stop()
    const { snapshots, problems } = await json('list', ...vault)
    assert.deepEqual(problems, [])
    assert.equal((snapshots as readonly { readonly snapshot: string }[])[0]?.snapshot, snapshot['snapshot'])

    const verified = await json('verify', ...vault, '--key', key, '--writer', writer())
    assert.equal(verified['ok'], true)
    const stored = await json('verify', ...vault)
    assert.equal(stored['ok'], true)

    const restored = await estate.node('restored')
    const into = restored.config.dataDirectory
    await mkdir(dirname(into))
    await json('restore', 'latest', ...vault, '--key', key, '--into', into, ...owner())
    const report = await runProgram(join(systemPostgres, 'pg_verifybackup'), [into])
    assert.match(report, /backup successfully verified/)
    assert.deepEqual(
      (await readdir(into)).filter((name) => /INCOMPLETE|partial/.test(name)),
      [],
    )
    const pristine = await fileDigests(into)

    const again = join(estate.root, 'restored-by-the-reader')
    const id = String(snapshot['snapshot'])
    const reader = ['tools/vault-reader/restore.mjs', ...vault, '--key', key.slice('file:'.length)]
    const ended = await node([...reader, 'restore', id, again])
    assert.equal(ended.code, 0, ended.stderr)
    assert.deepEqual(await fileDigests(again), pristine)
    const listed = await node(['tools/vault-reader/restore.mjs', ...vault, 'list'])
    assert.equal(listed.stdout, `${id} orders\n`)

    await mkdir(restored.config.socketDirectory, { recursive: true })
    const { runAs } = restored.config
    if (runAs !== undefined) await chown(restored.config.socketDirectory, runAs.uid, runAs.gid)
    await restored.member.startAsStandby()
    await restored.member.promote()
    assert.equal(
      await scalar(restored, "select md5(string_agg(replace(body, ' ', ''), '' order by id)) from events"),
      await scalar(source, "select md5(string_agg(replace(body, ' ', ''), '' order by id)) from events"),
    )
    const count = Number(await scalar(restored, 'select count(*) from load'))
    const highest = Number(await scalar(restored, 'select max(id) from load'))
    assert.ok(highest >= before, 'every row that was committed before the backup is there')
    assert.equal(count, highest + 1, 'and no row in between is missing')
    await sql(restored, 'create extension amcheck')
    await sql(restored, "select bt_index_check('load_pkey', true)")
  })

  test('a second backup of the epoch shares what did not change', async () => {
    const first = await backUp('--new-epoch')
    const second = await backUp()
    const stored = (one: Record<string, unknown>) =>
      (one['totals'] as { newStoredBytes: number }).newStoredBytes
    assert.equal(second['epoch'], first['epoch'])
    assert.ok(stored(second) < stored(first) / 2, `${stored(second)} of ${stored(first)}`)
    const verified = await json('verify', 'all', ...vault, '--key', key)
    assert.equal((verified['snapshots'] as readonly unknown[]).length, 3)
  })

  test('a target that is not empty is refused and left as it was', async () => {
    const into = join(estate.root, 'occupied')
    await mkdir(into)
    await writeFile(join(into, 'precious'), 'the last good copy')
    const ended = await pointzero('restore', 'latest', ...vault, '--key', key, '--into', into)
    assert.equal(ended.code, 3)
    assert.match(ended.stderr, /RESTORE_TARGET_NOT_EMPTY/)
    assert.deepEqual(await readdir(into), ['precious'])
    const reader = ['tools/vault-reader/restore.mjs', ...vault, '--key', key.slice('file:'.length)]
    const { snapshots } = (await json('list', ...vault)) as { snapshots: readonly { snapshot: string }[] }
    const byReader = await node([...reader, 'restore', snapshots[0]?.snapshot ?? '', into])
    assert.equal(byReader.code, 1)
    assert.match(byReader.stderr, /not empty/)
    assert.deepEqual(await readdir(into), ['precious'])
  })

  test('a damaged byte is named by verify, and a restore of it leaves an unusable directory without pg_control', async () => {
    const damagedVault = join(estate.root, 'damaged')
    await runProgram('cp', ['-r', directory, damagedVault])
    const objects = await new FileObjectStore(damagedVault).list('e/')
    const packs = objects.filter(({ name }) => name.endsWith('.pack'))
    const pack = packs.toSorted((left, right) => right.sizeBytes - left.sizeBytes)[0]?.name ?? ''
    await chmod(join(damagedVault, pack), 0o600)
    const bytes = await readFile(join(damagedVault, pack))
    bytes[bytes.length >> 1] = ~(bytes[bytes.length >> 1] as number)
    await writeFile(join(damagedVault, pack), bytes)
    const where = ['--store', damagedVault, ...vault.slice(2)]
    for (const keys of [[], ['--key', key]]) {
      const ended = await pointzero('verify', 'all', ...where, ...keys)
      assert.equal(ended.code, 1)
      assert.match(ended.stdout, new RegExp(`DAMAGED.*\n(.*\n)*.*${basename(pack)}`))
    }
    const { snapshots } = (await json('list', ...where)) as {
      snapshots: readonly { snapshot: string; epoch: string }[]
    }
    const hit = snapshots.find(({ epoch }) => pack.includes(epoch))?.snapshot ?? ''
    const into = join(estate.root, 'from-damaged')
    const ended = await pointzero('restore', hit, ...where, '--key', key, '--into', into, ...owner())
    assert.equal(ended.code, 1)
    assert.match(ended.stderr, /RESTORE_INCOMPLETE/)
    const left = await fileDigests(into)
    assert.ok(left.has('RESTORE_INCOMPLETE') && !left.has('global/pg_control'))
    const reader = ['tools/vault-reader/restore.mjs', ...where, '--key', key.slice('file:'.length)]
    const byReader = await node([...reader, 'restore', hit, join(estate.root, 'from-damaged-by-reader')])
    assert.equal(byReader.code, 1)
    assert.match(byReader.stderr, /is not what was written/)
  })

  test('a backup that is killed at any moment leaves no snapshot, and the next one is whole', async () => {
    const known = async () => {
      const { snapshots, problems } = await json('list', ...vault)
      assert.deepEqual(problems, [])
      return (snapshots as readonly unknown[]).length
    }
    const before = await known()
    let finished = 0
    for (const delayMs of [200, 500, 800, 1200, 1700]) {
      const args = [
        'src/cli/main.ts',
        'vault',
        'backup',
        '--store',
        directory,
        '--writer',
        writer(),
        '--new-epoch',
      ]
      const where = server()
      const child = spawn(process.execPath, [...args, ...where], { cwd: repository, stdio: 'ignore' })
      const gone = once(child, 'exit') as Promise<[number | null]>
      await Promise.race([gone, sleep(delayMs)])
      child.kill('SIGKILL')
      if ((await gone)[0] === 0) finished += 1
    }
    const now = await known()
    assert.ok(
      now >= before + finished && now <= before + 5,
      `${before} before, ${finished} finished, ${now} now`,
    )
    await backUp()
    assert.equal((await json('verify', ...vault, '--key', key))['ok'], true)
  })

  test('another key, another vault and a missing manifest are refused by name', async () => {
    const other = join(estate.root, 'other.pem')
    const { publicKey } = await json('key', '--out', other)
    const strange = await pointzero(
      'restore',
      'latest',
      ...vault,
      '--key',
      `file:${other}`,
      '--into',
      join(estate.root, 'no'),
    )
    assert.equal(strange.code, 3)
    assert.match(strange.stderr, /VAULT_KEY_NOT_A_RECIPIENT/)
    const rolledBack = await pointzero('list', ...vault, '--at-least', 'ab'.repeat(32))
    assert.equal(rolledBack.code, 3)
    assert.match(rolledBack.stderr, /VAULT_ROLLED_BACK/)
    await json('rewrap', ...vault, '--key', key, '--writer', writer(), '--recipient', String(publicKey))
    assert.equal((await json('verify', ...vault, '--key', `file:${other}`))['ok'], true)
    const secondPin = join(estate.root, 'second')
    await mkdir(join(estate.root, 'second-vault'))
    await json('init', '--store', join(estate.root, 'second-vault'), '--out', secondPin)
    const foreign = await pointzero('list', '--store', directory, '--pin', join(secondPin, 'vault.pin.json'))
    assert.equal(foreign.code, 3)
    assert.match(foreign.stderr, /VAULT_NOT_GENUINE/)
  })

  test('a disk that is too small is refused before, and one that fills up leaves nothing that starts', async () => {
    assert.equal(process.getuid?.(), 0, 'only root can mount a disk of 16 MiB')
    const mount = join(estate.root, 'small')
    await mkdir(mount)
    await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', mount])
    try {
      await chmod(mount, 0o755)
      const ended = await pointzero(
        'restore',
        'latest',
        ...vault,
        '--key',
        key,
        '--into',
        join(mount, 'data'),
      )
      assert.equal(ended.code, 3)
      assert.match(ended.stderr, /RESTORE_NO_ROOM/)
      assert.deepEqual(await readdir(join(mount, 'data')), [])
      await mkdir(join(mount, 'vault'))
      await json('init', '--store', join(mount, 'vault'), '--out', join(estate.root, 'small-keys'))
      const writer = `file:${join(estate.root, 'small-keys', 'writer.json')}`
      await rm(join(mount, 'data'), { recursive: true })
      const { bavail, bsize } = await statfs(mount)
      await writeFile(join(mount, 'filler'), Buffer.alloc(bavail * bsize - 600 * 1024, 1))
      const where = server()
      const full = await pointzero('backup', '--store', join(mount, 'vault'), '--writer', writer, ...where)
      assert.equal(full.code, 1)
      assert.match(full.stderr, /OBJECT_STORE_FULL/)
      const pin = ['--pin', join(estate.root, 'small-keys', 'vault.pin.json')]
      assert.deepEqual((await json('list', '--store', join(mount, 'vault'), ...pin))['snapshots'], [])
    } finally {
      await runProgram('umount', [mount])
    }
  })
})

test('a writer of the file store that is killed at any moment leaves nothing half-written in the list', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pointzero-store-'))
  const store = new FileObjectStore(root)
  const program = `
    const { FileObjectStore } = await import(${JSON.stringify(new URL('../../src/drivers/file/file-object-store.ts', import.meta.url).href)})
    const store = new FileObjectStore(process.argv[1])
    const content = Buffer.alloc(3_000_000, 7)
    process.stdout.write('ready')
    for (let n = 0; ; n++) await store.putNew(\`e/\${process.argv[2]}-\${n}\`, [content, content])
  `
  for (let round = 0; round < 6; round++) {
    const args = ['--input-type=module', '-e', program, '--', store.name, String(round)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    await sleep(15 + round * 23)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const whole = Buffer.concat([Buffer.alloc(6_000_000, 7)])
    for (const { name, sizeBytes } of await store.list('')) {
      assert.equal(sizeBytes, 6_000_000, name)
      assert.ok(whole.equals(await store.get(name)), name)
    }
  }
  await rm(root, { recursive: true, force: true })
})

test('the stand-alone reader restores the vault of the first release, with either of its keys', async () => {
  const fixtures = join(repository, 'test', 'fixtures', 'vault')
  const expected = JSON.parse(await readFile(join(fixtures, 'expected.json'), 'utf8')) as {
    readonly snapshot: string
    readonly files: Readonly<Record<string, string>>
  }
  const root = await mkdtemp(join(tmpdir(), 'pointzero-reader-'))
  for (const key of ['recovery.pem', 'added-recovery.pem']) {
    const where = ['--store', join(fixtures, 'vault'), '--pin', join(fixtures, 'vault.pin.json')]
    const args = ['tools/vault-reader/restore.mjs', ...where, '--key', join(fixtures, key)]
    const ended = await node([...args, 'restore', expected.snapshot, join(root, key)])
    assert.equal(ended.code, 0, ended.stderr)
    assert.deepEqual(Object.fromEntries(await fileDigests(join(root, key))), expected.files)
  }
  await rm(root, { recursive: true, force: true })
})
