import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { objectStoreContract } from '../../../test/support/object-store-contract.ts'
import { FileObjectStore } from './file-object-store.ts'

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'pointzero-store-'))
})
after(() => rm(root, { recursive: true, force: true }))

let opened = 0
async function open(): Promise<FileObjectStore> {
  const directory = join(root, `store-${opened++}`)
  await mkdir(directory)
  return new FileObjectStore(directory)
}

objectStoreContract('files', open)

test('files: a store that is not mounted is not made anew', async () => {
  const store = new FileObjectStore(join(root, 'not-mounted'))
  const refusal = { code: 'OBJECT_STORE_FAILED', message: /not-mounted: the store is not there/ }
  await assert.rejects(store.putNew('a', [Buffer.from('x')]), refusal)
  await assert.rejects(store.get('a'), refusal)
  await assert.rejects(store.list(''), refusal)
})

test('files: an object is private and not writable, and its folder too', async () => {
  const store = await open()
  await store.putNew('e/1/a', [Buffer.from('x')])
  assert.equal((await stat(join(store.name, 'e/1/a'))).mode & 0o777, 0o400)
  assert.equal((await stat(join(store.name, 'e/1'))).mode & 0o777, 0o700)
})

test('files: no link leads out of the store', async () => {
  const store = await open()
  await writeFile(join(root, 'outside'), 'secret')
  await mkdir(join(root, 'elsewhere'))
  await symlink(join(root, 'outside'), join(store.name, 'file'))
  await symlink(join(root, 'elsewhere'), join(store.name, 'folder'))
  await assert.rejects(store.get('file'), { code: 'OBJECT_ABSENT' })
  await assert.rejects(store.putNew('file', [Buffer.from('x')]))
  await assert.rejects(store.putNew('folder/a', [Buffer.from('x')]), { code: 'OBJECT_STORE_OUTSIDE' })
  assert.deepEqual(await readdir(join(root, 'elsewhere')), [])
  assert.deepEqual(await store.list(''), [])
})

test('files: a file that was cut off is told from one that is whole', async () => {
  const store = await open()
  await store.putNew('a', [Buffer.alloc(100)])
  await chmod(join(store.name, 'a'), 0o600)
  await truncate(join(store.name, 'a'), 60)
  await assert.rejects(store.get('a', { offset: 0, length: 100 }), { code: 'OBJECT_TRUNCATED' })
})
