import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import { killRounds, printedSeed } from '../support/kill-rounds.ts'
import { PlainPostgres } from '../support/plain-postgres.ts'
import type { PlainServer } from '../support/plain-postgres.ts'
import { requireSystemPostgres, systemPostgres } from '../support/postgres-estate.ts'
import { VaultCommands } from '../support/vault-commands.ts'

describe('kill -9 at random moments on PostgreSQL 15', () => {
  let postgres: PlainPostgres
  let server: PlainServer
  let vault: VaultCommands
  const rounds = Math.ceil(killRounds / 4)
  const random = new SimRandom(printedSeed())

  before(async () => {
    requireSystemPostgres()
    postgres = await PlainPostgres.open()
    server = await postgres.initialise(systemPostgres, 'source', ['restart_after_crash = off', 'fsync = off'])
    await server.start()
    await server.sql(
      "create table t as select n, md5(n::text) || repeat('x', 300) from generate_series(1, 60000) n",
    )
    vault = await VaultCommands.make(postgres.root)
  })

  after(async () => postgres.close())

  test('a backup whose writer or server is killed lists nothing half-written, and the next one is whole', async () => {
    const began = performance.now()
    await vault.json(vault.backupOf(server.port))
    const usualMs = performance.now() - began
    const done = { finished: 0, killed: 0, listed: 0 }
    for (let round = 0; round < rounds; round++) {
      const before = (await vault.snapshots()).length
      const backup = vault.start(vault.backupOf(server.port, '--new-epoch'))
      const isServer = random.integer(4) === 0
      await Promise.race([backup.ended, sleep(random.integer(Math.round(usualMs * 0.9)))])
      if (isServer) await server.stop('SIGKILL')
      else backup.child.kill('SIGKILL')
      const { code, stderr } = await backup.ended
      if (code !== 0 && isServer) assert.match(stderr, /\b[A-Z]+_[A-Z_]+\b/, 'it says why, with a code')
      if (isServer) await server.start()
      const listed = (await vault.snapshots()).length - before
      if (code === 0) assert.equal(listed, 1, 'what was reported is listed')
      done[code === 0 ? 'finished' : 'killed'] += 1
      done.listed += listed
    }
    console.log(`backup: ${JSON.stringify(done)}`)
    await vault.json(vault.backupOf(server.port))
    const verified = await vault.json(['verify', 'all', ...vault.reading, ...vault.key])
    assert.equal(verified['ok'], true)
    assert.equal((verified['snapshots'] as readonly object[]).length, 2 + done.listed)
  })

  test('a restore that is killed leaves what does not start, is not taken for empty, and is in nobody’s way', async () => {
    const { uid, gid } = postgres.user ?? { uid: 0, gid: 0 }
    const owner = postgres.user === undefined ? [] : ['--owner', `${uid}:${gid}`]
    const into = (name: string) => [
      ...['restore', 'latest', ...vault.reading, ...vault.key, ...owner],
      ...['--into', join(postgres.root, name)],
    ]
    const began = performance.now()
    await vault.json(into('undisturbed'))
    const usualMs = performance.now() - began
    const done = { untouched: 0, half: 0, whole: 0 }
    for (let round = 0; round < rounds; round++) {
      const name = `restored-${round}`
      const directory = join(postgres.root, name)
      const restore = vault.start(into(name))
      await Promise.race([restore.ended, sleep(random.integer(Math.round(usualMs * 0.9)))])
      restore.child.kill('SIGKILL')
      const { code } = await restore.ended
      if (!existsSync(directory)) done.untouched += 1
      else if (existsSync(join(directory, 'global', 'pg_control'))) {
        const checked = spawnSync(join(systemPostgres, 'pg_verifybackup'), [directory], { encoding: 'utf8' })
        assert.match(checked.stdout, /backup successfully verified/, checked.stderr)
        assert.ok(!existsSync(join(directory, 'RESTORE_INCOMPLETE')))
        done.whole += 1
      } else {
        assert.notEqual(code, 0)
        await requireUnstartable(directory)
        const again = await vault.run(into(name))
        const isEmpty = (await readdir(directory)).length === 0
        assert.ok(isEmpty || again.code === 3 || again.code === 0, again.stderr)
        if (again.code === 3) assert.match(again.stderr, /RESTORE_TARGET_NOT_EMPTY/)
        done.half += 1
      }
      await rm(directory, { recursive: true, force: true })
    }
    console.log(`restore: ${JSON.stringify(done)}`)
    await vault.json(into('afterwards'))
  })

  /** PostgreSQL itself is asked. */
  async function requireUnstartable(directory: string): Promise<void> {
    await chown(postgres.root, postgres.user?.uid ?? 0, postgres.user?.gid ?? 0)
    const child = spawn(join(systemPostgres, 'postgres'), ['-D', directory, '-p', String(server.port + 1)], {
      ...postgres.user,
      stdio: 'ignore',
    })
    const gone = once(child, 'exit') as Promise<[number | null]>
    const ended = await Promise.race([gone, sleep(10_000)])
    if (ended === undefined) child.kill('SIGKILL')
    assert.ok(ended !== undefined && ended[0] !== 0, `a half-restored ${directory} starts`)
  }
})
