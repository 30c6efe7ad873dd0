import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryObjectStore } from '../../test/support/memory-object-store.ts'
import { MemoryRestoreDirectory } from '../../test/support/memory-restore-directory.ts'
import {
  backupManifestOf,
  backUp,
  otherKey,
  recoveryKey,
  sampleFiles,
  sampleVault,
  seededEffects,
} from '../../test/support/sample-vault.ts'
import type { Files } from '../../test/support/sample-vault.ts'
import { findSnapshot, readCatalogue } from './catalogue.ts'
import { restoreSnapshot } from './restore-snapshot.ts'
import type { Vault } from './vault-descriptor.ts'
import { scrubSnapshot, verifySnapshot } from './verify-snapshot.ts'

async function restored(vault: Vault, snapshot = 'latest'): Promise<MemoryRestoreDirectory> {
  const target = new MemoryRestoreDirectory()
  const manifest = findSnapshot(await readCatalogue(vault), snapshot, undefined)
  await restoreSnapshot(vault, manifest, recoveryKey, target)
  return target
}

function assertSame(found: MemoryRestoreDirectory, files: Files): void {
  const expected = new Map([...files, ['backup_manifest', backupManifestOf(files)] as const])
  assert.deepEqual([...found.files.keys()].toSorted(), [...expected.keys()].toSorted())
  for (const [path, content] of expected) {
    assert.ok(Buffer.from(content).equals(found.files.get(path) as Uint8Array), path)
  }
}

test('gives back every file as it was, pg_control last and after the mark is gone', async () => {
  const vault = await sampleVault(new MemoryObjectStore())
  const files = sampleFiles()
  await backUp(vault, files)
  const target = await restored(vault)
  assertSame(target, files)
  assert.deepEqual(target.log.slice(-4), [
    'remove RESTORE_INCOMPLETE',
    'sync-directory ',
    'rename global/pg_control.partial global/pg_control',
    'sync-directory global',
  ])
  for (const path of files.keys()) {
    const name = path === 'global/pg_control' ? `${path}.partial` : path
    assert.ok(target.log.includes(`sync ${name}`), `${path} is durable`)
  }
})

test('gives back files of any size and content', async () => {
  const sizes = fc.constantFrom(0, 1, 8191, 8192, 32_767, 32_768, 1_048_575, 1_048_576, 1_048_577, 2_100_000)
  const content = fc.tuple(sizes, fc.integer({ min: 0, max: 3 }), fc.string({ maxLength: 8 }))
  const name = fc.stringMatching(/^[a-z0-9][a-zé .]{0,12}$/)
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(name, content), { maxLength: 4, selector: ([one]) => one }),
      async (made) => {
        const files = new Map<string, Uint8Array>([['global/pg_control', new Uint8Array(8192)]])
        for (const [path, [length, kind, seed]] of made) {
          const noise = seededEffects(seed).random.bytes(kind < 2 ? length : 64)
          files.set(`base/${path}`, kind === 0 ? noise : new Uint8Array(length).fill(kind))
        }
        const vault = await sampleVault(new MemoryObjectStore())
        await backUp(vault, files)
        assertSame(await restored(vault), files)
      },
    ),
    { numRuns: 20 },
  )
})

test('a second snapshot of the epoch stores only what changed, and both come back', async () => {
  const store = new MemoryObjectStore()
  const vault = await sampleVault(store)
  const effects = seededEffects()
  const before = sampleFiles()
  const first = await backUp(vault, before, effects)
  const changed = sampleFiles().set('base/5/2619', seededEffects('changed').random.bytes(70_000))
  const second = await backUp(vault, changed, effects)
  assert.equal(second.epoch, first.epoch)
  assert.equal(second.members.sequence, 2)
  assert.equal(second.members.previous?.sha256, first.manifest)
  assert.ok(first.members.totals.newStoredBytes > 118_000, 'what does not compress is stored')
  assert.ok(second.members.totals.newStoredBytes < 76_000, String(second.members.totals.newStoredBytes))
  assertSame(await restored(vault, first.snapshot), before)
  assertSame(await restored(vault, second.snapshot), changed)
  const third = await backUp(vault, before, effects, { epochMaxAgeMs: 0 })
  assert.notEqual(third.epoch, first.epoch)
  assert.ok(third.members.totals.newStoredBytes >= first.members.totals.newStoredBytes, 'nothing is shared')
})

test('a new snapshot does not rely on a pack that is gone or damaged', async () => {
  const store = new MemoryObjectStore()
  const vault = await sampleVault(store)
  const effects = seededEffects()
  await backUp(vault, sampleFiles(), effects)
  const [pack = ''] = [...store.objects.keys()].filter((name) => name.endsWith('.pack'))
  store.objects.delete(pack)
  const second = await backUp(vault, sampleFiles(), effects)
  assertSame(await restored(vault, second.snapshot), sampleFiles())
})

test('the file on disk holds nothing of the content, and no name of a file', async () => {
  const store = new MemoryObjectStore()
  const vault = await sampleVault(store)
  const files = new Map<string, Uint8Array>([
    ['global/pg_control', Buffer.alloc(8192)],
    ['base/5/salaries', Buffer.from('the salary of Ada is 9876543')],
  ])
  await backUp(vault, files)
  const all = Buffer.concat([...store.objects.values()]).toString('latin1')
  for (const secret of ['salar', 'Ada', '9876543', 'base/5']) assert.ok(!all.includes(secret), secret)
})

test('another key opens nothing, and says so', async () => {
  const vault = await sampleVault(new MemoryObjectStore())
  await backUp(vault, sampleFiles())
  const manifest = findSnapshot(await readCatalogue(vault), 'latest', undefined)
  const target = new MemoryRestoreDirectory()
  const refusal = { code: 'VAULT_KEY_NOT_A_RECIPIENT', class: 'refused' }
  await assert.rejects(restoreSnapshot(vault, manifest, otherKey, target), refusal)
  await assert.rejects(verifySnapshot(vault, manifest, otherKey), refusal)
  assert.equal(target.files.size, 0)
  assert.deepEqual((await scrubSnapshot(vault, manifest)).damage, [])
})

test('refuses a target that is not empty or too small, before it writes anything', async () => {
  const vault = await sampleVault(new MemoryObjectStore())
  await backUp(vault, sampleFiles())
  const manifest = findSnapshot(await readCatalogue(vault), 'latest', undefined)
  const occupied = new MemoryRestoreDirectory()
  occupied.files.set('precious', new Uint8Array(1))
  await assert.rejects(restoreSnapshot(vault, manifest, recoveryKey, occupied), {
    code: 'RESTORE_TARGET_NOT_EMPTY',
  })
  assert.deepEqual([...occupied.files.keys()], ['precious'])
  const small = new MemoryRestoreDirectory()
  small.free = manifest.totals.bytes - 1
  await assert.rejects(restoreSnapshot(vault, manifest, recoveryKey, small), {
    code: 'RESTORE_NO_ROOM',
    class: 'refused',
  })
  assert.equal(small.files.size, 0)
})

test('a restore that fails anywhere leaves the mark and no pg_control', async () => {
  const store = new MemoryObjectStore()
  const vault = await sampleVault(store)
  await backUp(vault, sampleFiles())
  const manifest = findSnapshot(await readCatalogue(vault), 'latest', undefined)
  for (const roomBytes of [0, 1000, 70_000, 1_200_000, 2_500_000, manifest.totals.bytes]) {
    const target = new MemoryRestoreDirectory()
    target.roomBytes = roomBytes
    await assert.rejects(restoreSnapshot(vault, manifest, recoveryKey, target))
    assert.ok(!target.files.has('global/pg_control'), `room for ${roomBytes}`)
    assert.ok(target.files.has('RESTORE_INCOMPLETE') || target.files.size === 0, `room for ${roomBytes}`)
  }
  const [pack = ''] = [...store.objects.keys()].filter((name) => name.endsWith('.pack'))
  const bytes = store.objects.get(pack) as Uint8Array
  bytes[bytes.length >> 1] = ~(bytes[bytes.length >> 1] as number)
  const target = new MemoryRestoreDirectory()
  await assert.rejects(restoreSnapshot(vault, manifest, recoveryKey, target), {
    code: 'RESTORE_INCOMPLETE',
    class: 'permanent',
    message: /unusable.*not what was written/,
  })
  assert.ok(!target.files.has('global/pg_control') && target.files.has('RESTORE_INCOMPLETE'))
})
