import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openRestoreTarget } from './restore-target.ts'

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'pointzero-target-'))
})
after(() => rm(root, { recursive: true, force: true }))

test('writes private files into a new directory and makes them durable', async () => {
  const target = openRestoreTarget(join(root, 'new'))
  await target.claim()
  await target.createDirectory('base')
  const file = await target.createFile('base/1')
  await file.write([Buffer.from('on'), new Uint8Array(0), Buffer.from('e ')])
  await file.write([])
  await file.write([Buffer.from('two')])
  await file.sync()
  await file.close()
  await file.close()
  await target.rename('base/1', 'base/2')
  await target.syncDirectory('base')
  await target.syncDirectory('')
  assert.equal(await readFile(join(root, 'new/base/2'), 'utf8'), 'one two')
  const mode = async (path: string) => (await stat(join(root, path))).mode & 0o777
  assert.deepEqual(
    [await mode('new'), await mode('new/base'), await mode('new/base/2')],
    [0o700, 0o700, 0o600],
  )
})

test('takes an empty directory over and refuses one with anything in it', async () => {
  await mkdir(join(root, 'empty'), { mode: 0o755 })
  await openRestoreTarget(join(root, 'empty')).claim()
  assert.equal((await stat(join(root, 'empty'))).mode & 0o777, 0o700)
  await mkdir(join(root, 'full'), { mode: 0o755 })
  await writeFile(join(root, 'full/.hidden'), 'kept')
  const refusal = { code: 'RESTORE_TARGET_NOT_EMPTY', class: 'refused' }
  await assert.rejects(openRestoreTarget(join(root, 'full')).claim(), refusal)
  assert.deepEqual(await readdir(join(root, 'full')), ['.hidden'])
  assert.equal((await stat(join(root, 'full'))).mode & 0o777, 0o755)
  await writeFile(join(root, 'a-file'), '')
  await assert.rejects(openRestoreTarget(join(root, 'a-file')).claim(), refusal)
})

test('never replaces a file and never follows a link', async () => {
  const target = openRestoreTarget(join(root, 'links'))
  await target.claim()
  await writeFile(join(root, 'outside'), 'precious')
  await symlink(join(root, 'outside'), join(root, 'links/link'))
  await assert.rejects(target.createFile('link'), { code: 'EEXIST' })
  await assert.rejects(target.createDirectory('link'), { code: 'RESTORE_TARGET_NOT_EMPTY' })
  await writeFile(join(root, 'links/there'), 'first')
  await assert.rejects(target.createFile('there'), { code: 'EEXIST' })
  assert.equal(await readFile(join(root, 'outside'), 'utf8'), 'precious')
})

test('refuses paths that leave the directory', async () => {
  const target = openRestoreTarget(join(root, 'inside'))
  await target.claim()
  for (const path of ['../x', '/etc/x', 'a/../../x', '.', '', 'a//b', 'a/\0']) {
    await assert.rejects(target.createFile(path), { code: 'RESTORE_PATH_OUTSIDE' }, path)
    await assert.rejects(target.createDirectory(path), { code: 'RESTORE_PATH_OUTSIDE' }, path)
  }
})
