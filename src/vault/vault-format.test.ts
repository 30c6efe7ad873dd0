import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ed25519Verifier } from '../platform/ed25519-signer.ts'
import { MemoryObjectStore } from '../../test/support/memory-object-store.ts'
import { MemoryRestoreDirectory } from '../../test/support/memory-restore-directory.ts'
import { findSnapshot, readCatalogue } from './catalogue.ts'
import { chunkId, epochIdKey, openChunk, sealChunk } from './chunk-seal.ts'
import { parseRecoveryKey, recipientOf, unwrapKeys, wrapKeys } from './recipient.ts'
import { restoreSnapshot } from './restore-snapshot.ts'
import type { Vault } from './vault-descriptor.ts'
import { verifySnapshot } from './verify-snapshot.ts'

// What the first release wrote, and the vectors of docs/reference/vault-format.md. Neither is ever made again.
const fixtures = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'vault')
const text = (name: string) => readFileSync(join(fixtures, name), 'utf8')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function fixtureVault(): { readonly vault: Vault; readonly store: MemoryObjectStore } {
  const store = new MemoryObjectStore()
  const root = join(fixtures, 'vault')
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    store.objects.set(path.slice(root.length + 1), readFileSync(path))
  }
  const pin = JSON.parse(text('vault.pin.json')) as { vault: Vault['id']; writers: Record<string, string> }
  const trust = { writers: new Map(Object.entries(pin.writers)), verifier: new Ed25519Verifier() }
  return { vault: { id: pin.vault, store, trust }, store }
}

test('a vault of the first release is read, verified and restored, by its first key and by one that was added', async () => {
  const { vault } = fixtureVault()
  const expected = JSON.parse(text('expected.json')) as { snapshot: string; files: Record<string, string> }
  const catalogue = await readCatalogue(vault)
  assert.deepEqual(catalogue.problems, [])
  assert.deepEqual(
    catalogue.receipts.map(({ snapshot, level }) => [snapshot, level]),
    [[expected.snapshot, 'read']],
  )
  const manifest = findSnapshot(catalogue, 'latest', undefined)
  assert.equal(manifest.snapshot, expected.snapshot)
  for (const file of ['recovery.pem', 'added-recovery.pem']) {
    const key = parseRecoveryKey(text(file))
    assert.deepEqual((await verifySnapshot(vault, manifest, key)).damage, [])
    const target = new MemoryRestoreDirectory()
    await restoreSnapshot(vault, manifest, key, target)
    const digests = [...target.files].map(([path, content]) => [
      path,
      createHash('sha256').update(content).digest('hex'),
    ])
    assert.deepEqual(Object.fromEntries(digests), expected.files)
  }
})

test('a document of a later release is refused by its format', async () => {
  for (const ending of ['vault.json', '.manifest', '.receipt']) {
    const { vault, store } = fixtureVault()
    for (const [name, bytes] of store.objects) {
      if (!name.endsWith(ending)) continue
      store.objects.set(
        name,
        Buffer.from(
          Buffer.from(bytes)
            .toString()
            .replace(/(pointzero\/[a-z-]+)\/1/, '$1/2'),
        ),
      )
    }
    const problems = await readCatalogue(vault).then(
      (catalogue) => catalogue.problems,
      (error: unknown) => [error as { readonly code: string }],
    )
    assert.ok(problems.length > 0 && problems.every(({ code }) => code === 'FORMAT_UNKNOWN'), ending)
  }
})

test('chunks and wrapped keys are as the page of the format says', () => {
  const place = {
    vault: 'vlt_fixture1' as const,
    epoch: '20261121T220000Z-aaaaaaaa',
    pack: '000102030405060708090a0b0c0d0e0f',
  }
  const idKey = epochIdKey(new Uint8Array(32).fill(5), place.vault, place.epoch)
  assert.equal(hex(idKey), '4e3dcce1bd24476ea22356283ca79762db75dc37827d9719765cbf0676b5e347')
  const packed = { codec: 0, bytes: Buffer.from('hello, vault') }
  const id = chunkId(idKey, packed)
  assert.equal(hex(id), '9c8045b0453987352af937d734e22c32e0d097bf6c98d34c5de4f282d2557728')
  const dataKey = new Uint8Array(32).fill(0x11)
  const head = { ordinal: 7, codec: 0, contentBytes: 12, id }
  const record = Buffer.concat(sealChunk(dataKey, place, head, packed.bytes))
  assert.equal(hex(record), '99ec010c3f4a3e825b859757006d55fd3079a931e98cf51cd41b59bd')
  assert.equal(Buffer.from(openChunk(dataKey, place, head, record)).toString(), 'hello, vault')

  const publicKey = Buffer.from('8782328baa4a4fcd212367ab65169aabb03efb1f5026c73e1d124932df1e7a2d', 'hex')
  const recipient = recipientOf(publicKey.toString('base64url'))
  assert.equal(hex(recipient.id), '1daf0c9c4385d486751e4b91ce123395')
  const wrapped = wrapKeys(recipient, place, { dataKey, idKey }, new Uint8Array(32).fill(0x22))
  assert.equal(
    hex(wrapped.sealed.encapsulated),
    '0faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f20',
  )
  assert.equal(
    hex(wrapped.sealed.ciphertext),
    '3ea10af0d4b57eaa71024a86715850bab79be15939f21cb67e79573f0d079861' +
      'a20035fba83a31d689cbc285feabcf45923e2e83acccfe9aac1b2143e13cfd32' +
      '2b35fcea6c88f8a0d1598e9d7430103e',
  )
  const key = parseRecoveryKey(text('recovery.pem'))
  assert.deepEqual(unwrapKeys(key, place, wrapped), { dataKey: Buffer.from(dataKey), idKey })
  assert.throws(() => unwrapKeys(key, { ...place, pack: 'ff'.repeat(16) }, wrapped))
})
