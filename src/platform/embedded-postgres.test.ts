import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { prepareEmbeddedPostgres } from './embedded-postgres.ts'

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'pointzero-embedded-'))
})
after(() => rm(root, { recursive: true, force: true }))

async function packageWith(name: string, links: unknown): Promise<string> {
  const native = join(root, name)
  await mkdir(join(native, 'bin'), { recursive: true })
  await mkdir(join(native, 'lib'))
  await writeFile(join(native, 'bin/postgres'), '', { mode: 0o600 })
  await writeFile(join(native, 'lib/libpq.so.5.18'), '', { mode: 0o600 })
  await writeFile(join(native, 'pg-symlinks.json'), JSON.stringify(links))
  return native
}

test('copies the programs for every user and makes the links of the list', async () => {
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
  const native = await packageWith('good', links)
  const bin = await prepareEmbeddedPostgres(join(root, 'copy'), native)
  assert.equal(bin, join(root, 'copy/bin'))
  assert.equal((await stat(join(bin, 'postgres'))).mode & 0o777, 0o755)
  assert.equal(await readlink(join(root, 'copy/lib/libpq.so.5')), 'libpq.so.5.18')
  assert.equal((await stat(join(root, 'copy/lib/libpq.so.5'))).mode & 0o777, 0o644)
  await assert.rejects(prepareEmbeddedPostgres(join(root, 'copy'), native), {
    code: 'EMBEDDED_POSTGRES_UNUSABLE',
  })
})

test('makes no link that leads out of the copy or lies outside it', async () => {
  const hostile = ['native/../../x', '/etc/x', 'elsewhere/x', 'native', 'native//x', 7]
  for (const [index, path] of hostile.entries()) {
    for (const link of [
      { source: path, target: 'native/lib/l' },
      { source: 'native/lib/s', target: path },
    ]) {
      const name = `hostile-${index}-${String(link.target === path)}`
      const native = await packageWith(name, [link])
      await assert.rejects(prepareEmbeddedPostgres(join(root, `${name}-copy`), native), {
        code: 'EMBEDDED_POSTGRES_UNUSABLE',
      })
      assert.deepEqual(await readdir(join(root, `${name}-copy/lib`)), ['libpq.so.5.18'])
    }
  }
})
