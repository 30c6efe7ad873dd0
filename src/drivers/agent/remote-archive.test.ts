import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copiesBytesMax } from '../../ports/copies-wire.ts'
import { MemoryArchive } from '../../../test/support/memory-archive.ts'
import { copiesDesk, remoteCopies } from '../../../test/support/remote-copies.ts'
import { openRemoteArchive } from './remote-archive.ts'

const segment = 'wal/000000010000000000000002'
const bytes = new Uint8Array(16 << 20).map((_, index) => (index * 13) % 241)

function archiveWith(files: Readonly<Record<string, Uint8Array>>) {
  const archive = new MemoryArchive()
  for (const [path, content] of Object.entries(files)) archive.files.set(path, { content, durable: content })
  const { call, asked } = remoteCopies({ archive })
  return { archive, remote: openRemoteArchive(call), asked }
}

test('reads a whole segment, and a second time without asking', async () => {
  const { remote, asked } = archiveWith({ [segment]: bytes })
  assert.ok(Buffer.from(await remote.read(segment, 0, bytes.length + 1)).equals(bytes))
  const before = asked.length
  assert.equal((await remote.read(segment, 8192, 8192)).length, 8192)
  assert.equal(asked.length, before)
})

test('reads a file that grows anew every time', async () => {
  const { remote, archive } = archiveWith({ ledger: bytes.slice(0, 10) })
  assert.equal((await remote.read('ledger', 0, 100)).length, 10)
  const content = bytes.slice(0, 2 * copiesBytesMax + 5)
  archive.files.set('ledger', { content, durable: content })
  assert.ok(Buffer.from(await remote.read('ledger', 0, content.length)).equals(content))
  assert.equal(await remote.sizeOf('ledger'), content.length)
})

test('says what is not there as the port does', async () => {
  const { remote } = archiveWith({ [segment]: bytes })
  assert.equal(await remote.sizeOf('wal/none'), undefined)
  assert.equal((await remote.read('wal/none', 0, 10)).length, 0)
  assert.deepEqual(await remote.list('wal'), ['000000010000000000000002'])
  assert.deepEqual(await remote.list('none'), [])
  assert.deepEqual([...(await remote.sizes('wal'))], [['000000010000000000000002', bytes.length]])
  assert.deepEqual([...(await remote.sizes('none'))], [])
})

test('refuses names that lead out of the archive, and ranges that no reply could hold', async () => {
  const desk = copiesDesk({ archive: new MemoryArchive() })
  const refusal = { code: 'COPIES_REQUEST_INVALID', class: 'permanent' }
  const hostile = ['../state', 'wal/../../x', '/etc/passwd', 'wal//x', '.', 'wal/.', 'a/b/c', 'wal/.x', 'a\0']
  const request = { estate: 'est_small01', component: 'cmp_ledger' }
  for (const path of hostile) {
    await assert.rejects(
      desk.handle('agent/archive-read', { ...request, path, offset: 0, length: 1 }),
      refusal,
    )
    await assert.rejects(desk.handle('agent/archive-size', { ...request, path }), refusal)
    await assert.rejects(desk.handle('agent/archive-list', { ...request, path }), refusal)
    await assert.rejects(desk.handle('agent/archive-sizes', { ...request, path }), refusal)
  }
  for (const [offset, length] of [
    [-1, 1],
    [0, copiesBytesMax + 1],
    [0.5, 1],
    [0, -1],
  ]) {
    const ranged = { ...request, path: segment, offset: offset ?? 0, length: length ?? 0 }
    await assert.rejects(desk.handle('agent/archive-read', ranged), refusal)
  }
  await assert.rejects(desk.handle('agent/archive-list', null), refusal)
})
