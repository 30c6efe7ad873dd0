import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { Ed25519Signer, generateSigningKey } from '../platform/ed25519-signer.ts'
import { MemoryObjectStore } from '../../test/support/memory-object-store.ts'
import {
  backUp,
  otherKey,
  otherPair,
  recoveryKey,
  sampleFiles,
  sampleVault,
  sampleWriter,
  seededEffects,
  writerId,
} from '../../test/support/sample-vault.ts'
import { addRecipient } from './added-keys.ts'
import { readCatalogue, requireAtLeast } from './catalogue.ts'
import { chunkId, openChunk, sealChunk } from './chunk-seal.ts'
import { decompress } from './chunk-codec.ts'
import { FileTableReader } from './file-table.ts'
import { readPackList } from './known-chunks.ts'
import type { Manifest } from './manifest.ts'
import { packName } from './object-names.ts'
import { recipientOf } from './recipient.ts'
import type { Vault } from './vault-descriptor.ts'
import { scrubSnapshot, verifySnapshot } from './verify-snapshot.ts'

/** Two snapshots in one epoch, and a recipient that was added later. */
async function tamperable(
  largestBytes = 1_100_000,
): Promise<{ readonly store: MemoryObjectStore; readonly vault: Vault }> {
  const store = new MemoryObjectStore()
  const vault = await sampleVault(store)
  const effects = seededEffects()
  const small = sampleFiles()
  small.delete('base/5/the same again')
  small.set('base/5/1259', new Uint8Array(largestBytes).fill(3))
  small.set('base/5/2619', seededEffects('noise').random.bytes(9_000))
  small.set('pg_wal/000000010000000000000002', seededEffects('wal').random.bytes(9_000))
  await backUp(vault, small, effects)
  await backUp(vault, small.set('base/5/2619', Buffer.from('changed')), effects)
  const [first] = (await readCatalogue(vault)).snapshots
  const packs = await readPackList(vault, first as Manifest)
  const given = { key: recoveryKey, recipient: recipientOf(otherPair.publicKey), ...effects }
  await addRecipient(vault, (first as Manifest).epoch, packs, { ...given, signer: sampleWriter.signer })
  return { store, vault }
}

/** Everything that is wrong with a vault, as text. */
async function findings(vault: Vault, key = recoveryKey): Promise<string> {
  try {
    const { snapshots, problems } = await readCatalogue(vault)
    const found = problems.map(({ object, message }) => `${object}: ${message}`)
    for (const manifest of snapshots) {
      const { damage } = await verifySnapshot(vault, manifest, key)
      found.push(...damage.map(({ what, message }) => `${what}: ${message}`))
    }
    return found.join('\n')
  } catch (error) {
    if (!(error instanceof RecoveryError)) throw error
    return error.message
  }
}

test('any byte that changes in any object is found, and the object is named', async () => {
  const { store, vault } = await tamperable(20_000)
  assert.equal(await findings(vault), '')
  const chance = seededEffects('flips').random
  const names = [...store.objects.keys()]
  assert.ok(
    ['json', 'pack', 'packs', 'manifest', 'keys'].every((end) => names.some((name) => name.endsWith(end))),
  )
  for (let round = 0; round < 300; round++) {
    const name = names[round % names.length] as string
    const bytes = store.objects.get(name) as Uint8Array
    const at = Buffer.from(chance.bytes(6)).readUIntBE(0, 6) % bytes.length
    const bit = 1 << chance.integer(8)
    bytes[at] = (bytes[at] as number) ^ bit
    const found = await findings(vault)
    assert.ok(found.includes(name), `byte ${at} of ${name}: ${found}`)
    bytes[at] ^= bit
  }
  assert.equal(await findings(vault), '')
})

test('without any key a changed byte of a pack is found too, down to the chunk', async () => {
  const { store, vault } = await tamperable()
  const { snapshots } = await readCatalogue(vault)
  const [first] = snapshots as [Manifest]
  const [reference] = await readPackList(vault, first)
  const name = packName(first.epoch, reference?.pack ?? '')
  const bytes = store.objects.get(name) as Uint8Array
  for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
    bytes[at] = (bytes[at] as number) ^ 1
    const { damage } = await scrubSnapshot(vault, first)
    assert.ok(
      damage.some(({ what, message }) => `${what} ${message}`.includes(name)),
      `byte ${at}`,
    )
    bytes[at] = (bytes[at] as number) ^ 1
  }
  assert.deepEqual((await scrubSnapshot(vault, first)).damage, [])
})

test('a damaged chunk names the files that it is part of, and no other', async () => {
  const { store, vault } = await tamperable()
  const { snapshots } = await readCatalogue(vault)
  const [first] = snapshots as [Manifest]
  const [reference] = await readPackList(vault, first)
  const bytes = store.objects.get(packName(first.epoch, reference?.pack ?? '')) as Uint8Array
  bytes[(reference?.headerBytes ?? 0) + 1] = ~(bytes[(reference?.headerBytes ?? 0) + 1] as number)
  const { damage, files } = await verifySnapshot(vault, first, recoveryKey)
  assert.deepEqual(
    damage.map(({ what }) => what),
    ['PG_VERSION, after byte 0'],
  )
  assert.equal(files, 9)
})

test('what is missing or cut off is found and named', async () => {
  const { store, vault } = await tamperable()
  const needed = [...store.objects.keys()].filter((name) => !name.endsWith('.keys'))
  for (const name of needed) {
    const bytes = store.objects.get(name) as Uint8Array
    for (const shorter of [
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(0, bytes.length >> 1),
      undefined,
    ]) {
      if (shorter === undefined) store.objects.delete(name)
      else store.objects.set(name, shorter)
      const found = await findings(vault)
      const isNewest = name === needed.filter((one) => one.endsWith('.manifest')).at(-1)
      // Nobody can see that the newest manifest is gone, unless he knows of it.
      if (shorter !== undefined || !isNewest) assert.ok(/\S/.test(found), `${name} at ${shorter?.length}`)
    }
    store.objects.set(name, bytes)
  }
  assert.equal(await findings(vault), '')
})

test('a recipient that was added later opens every pack, and the packs are as they were', async () => {
  const { store, vault } = await tamperable()
  const [first, second] = (await readCatalogue(vault)).snapshots as [Manifest, Manifest]
  assert.deepEqual((await verifySnapshot(vault, first, otherKey)).damage, [])
  await assert.rejects(verifySnapshot(vault, second, otherKey), { code: 'VAULT_KEY_NOT_A_RECIPIENT' })
  const keys = [...store.objects.keys()].find((name) => name.endsWith('.keys')) as string
  store.objects.delete(keys)
  await assert.rejects(verifySnapshot(vault, first, otherKey), { code: 'VAULT_KEY_NOT_A_RECIPIENT' })
})

test('a chunk opens at the place that it was sealed for, and nowhere else', () => {
  const place = { vault: 'vlt_sample01' as const, epoch: '20261121T220000Z-aaaaaaaa', pack: '00'.repeat(16) }
  const dataKey = new Uint8Array(32).fill(1)
  const bytes = Buffer.from('one chunk')
  const id = chunkId(new Uint8Array(32).fill(2), { codec: 1, bytes })
  const head = { ordinal: 3, codec: 1, contentBytes: 9, id }
  const record = Buffer.concat(sealChunk(dataKey, place, head, bytes))
  assert.ok(bytes.equals(openChunk(dataKey, place, head, record)))
  const elsewhere = [
    () => openChunk(dataKey, { ...place, vault: 'vlt_sample02' }, head, record),
    () => openChunk(dataKey, { ...place, epoch: '20261121T220000Z-aaaaaaab' }, head, record),
    () => openChunk(dataKey, { ...place, pack: '01'.repeat(16) }, head, record),
    () => openChunk(dataKey, place, { ...head, ordinal: 4 }, record),
    () => openChunk(dataKey, place, { ...head, codec: 0 }, record),
    () => openChunk(dataKey, place, { ...head, contentBytes: 10 }, record),
    () => openChunk(dataKey, place, { ...head, id: new Uint8Array(32) }, record),
    () => openChunk(new Uint8Array(32), place, head, record),
    () => openChunk(dataKey, place, head, record.subarray(0, -1)),
    () => openChunk(dataKey, place, head, record.subarray(0, 10)),
  ]
  for (const attempt of elsewhere) assert.throws(attempt)
})

function edited(bytes: Uint8Array, edit: (members: Record<string, Json>) => void): Uint8Array {
  const members = JSON.parse(Buffer.from(bytes).toString()) as Record<string, Json>
  edit(members)
  return Buffer.from(canonicalJson(members))
}

test('a manifest that is forged, unsigned, foreign, moved or of another version is not believed', async () => {
  const { store, vault } = await tamperable()
  const names = [...store.objects.keys()].filter((name) => name.endsWith('.manifest'))
  const [older = '', newer = ''] = names
  const genuine = store.objects.get(newer) as Uint8Array
  const thief = new Ed25519Signer(writerId, generateSigningKey().privateKeyPem)
  const resigned = (signer: { sign(message: Uint8Array): string }) => (members: Record<string, Json>) => {
    const { signature: _, ...unsigned } = members
    members['signature'] = signer.sign(Buffer.from(canonicalJson(unsigned)))
  }
  const cases: readonly (readonly [string, RegExp, Uint8Array])[] = [
    ['stripped', /not signed/, edited(genuine, (members) => void delete members['signature'])],
    ['emptied', /does not match/, edited(genuine, (members) => void (members['signature'] = ''))],
    ['forged', /does not match/, edited(genuine, resigned(thief))],
    ['of a stranger', /not pinned/, edited(genuine, (members) => void (members['signer'] = 'prn_stranger1'))],
    ['older under a newer name', /is the manifest of/, store.objects.get(older) as Uint8Array],
    [
      'later version',
      /format/,
      edited(genuine, (members) => void (members['format'] = 'pointzero/vault-manifest/2')),
    ],
    ['other kind', /format/, store.objects.get('vault.json') as Uint8Array],
    ['with a space', /canonical/, Buffer.from(Buffer.from(genuine).toString().replace(',', ', '))],
    [
      'with a twin member',
      /canonical/,
      Buffer.from(Buffer.from(genuine).toString().replace('{', '{"epoch":"x",')),
    ],
    ['deeply nested', /canonical/, Buffer.from('['.repeat(200_000))],
    [
      'not understood',
      /does not understand incremental/,
      edited(genuine, (members) => {
        members['critical'] = ['incremental']
        resigned(sampleWriter.signer)(members)
      }),
    ],
  ]
  for (const [what, message, bytes] of cases) {
    store.objects.set(newer, bytes)
    const { snapshots, problems } = await readCatalogue(vault)
    assert.equal(snapshots.length, 1, what)
    assert.deepEqual(
      problems.map(({ object }) => object),
      [newer],
      what,
    )
    assert.match(problems[0]?.message ?? '', message, what)
  }
})

test('a manifest of another vault or of unpinned writers is refused with the vault', async () => {
  const { store } = await tamperable()
  const other = await sampleVault(new MemoryObjectStore(), 'vlt_another01')
  await assert.rejects(readCatalogue({ ...other, store }), { code: 'VAULT_NOT_GENUINE', class: 'refused' })
  const unpinned = {
    ...other,
    id: 'vlt_sample01' as const,
    store,
    trust: { ...other.trust, writers: new Map() },
  }
  await assert.rejects(readCatalogue(unpinned), { code: 'VAULT_NOT_GENUINE' })
})

test('a manifest that is missing in the middle breaks the chain; at its end only who knows it can tell', async () => {
  const store = new MemoryObjectStore()
  const vault = await sampleVault(store)
  const effects = seededEffects()
  const files = new Map([['global/pg_control', Buffer.alloc(8192)]])
  const made = [
    await backUp(vault, files, effects),
    await backUp(vault, files, effects, { epochMaxAgeMs: 0 }),
  ]
  made.push(await backUp(vault, files, effects))
  const names = made.map(({ epoch, snapshot }) => `e/${epoch}/s/${snapshot}.manifest`) as [
    string,
    string,
    string,
  ]
  const [first, middle, last] = names.map((name) => store.objects.get(name)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  assert.deepEqual((await readCatalogue(vault)).problems, [])
  store.objects.delete(names[1])
  assert.match((await readCatalogue(vault)).problems[0]?.message ?? '', /which is missing/)
  store.objects.delete(names[0])
  assert.match((await readCatalogue(vault)).problems[0]?.message ?? '', /which is missing/)
  store.objects.set(names[0], first)
  store.objects.set(names[1], middle)
  store.objects.delete(names[0])
  assert.deepEqual((await readCatalogue(vault)).problems, [], 'retention may take the oldest')
  store.objects.set(names[0], first)
  store.objects.delete(names[2])
  const catalogue = await readCatalogue(vault)
  assert.deepEqual(catalogue.problems, [])
  assert.throws(() => requireAtLeast(catalogue, made[2]?.manifest ?? ''), {
    code: 'VAULT_ROLLED_BACK',
    class: 'refused',
  })
  requireAtLeast(catalogue, made[1]?.manifest ?? '')
  // A fork: somebody went on from the middle while the last one existed.
  await backUp(vault, files, effects)
  store.objects.set(names[2], last)
  assert.ok((await readCatalogue(vault)).problems.some(({ code }) => code === 'VAULT_CHAIN_BROKEN'))
})

test('a snapshot without its manifest, or with half of one, is not listed', async () => {
  const { store, vault } = await tamperable()
  const newest = [...store.objects.keys()].filter((name) => name.endsWith('.manifest')).at(-1) as string
  const bytes = store.objects.get(newest) as Uint8Array
  for (const length of [0, 1, bytes.length >> 1, bytes.length - 1]) {
    store.objects.set(newest, bytes.subarray(0, length))
    const { snapshots, problems } = await readCatalogue(vault)
    assert.deepEqual([snapshots.length, problems.length], [1, 1])
  }
  store.objects.delete(newest)
  assert.equal((await readCatalogue(vault)).snapshots.length, 1)
})

test('a file table that leads elsewhere, or contradicts itself, is refused', () => {
  const file = { kind: 'file', path: 'a', bytes: 3, sha256: '0'.repeat(64), extents: [[0, 3, 0, 0, 0]] }
  const read = (...entries: readonly unknown[]) => {
    const table = new FileTableReader('table', 1)
    const read = [...table.push(Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')))]
    table.finish()
    return read
  }
  assert.equal(read(file).length, 1)
  const paths = [
    '../a',
    '/a',
    'a/../b',
    '..',
    '.',
    '',
    'a//b',
    'a/',
    './a',
    'a\0b',
    'no/such/folder',
    7,
    null,
  ]
  for (const path of paths)
    assert.throws(() => read({ ...file, path }), { code: 'VAULT_DAMAGED' }, String(path))
  const wrong = [
    { ...file, kind: 'symlink' },
    { ...file, bytes: 4 },
    { ...file, bytes: -1 },
    { ...file, sha256: 'x' },
    { ...file, extents: [[0, 3, 1, 0, 0]] },
    { ...file, extents: [[1, 3, 0, 0, 0]] },
    { ...file, extents: [[0, 3, 0, 0]] },
    { ...file, extents: 'no' },
    { ...file, bytes: 2 ** 53 },
    null,
    [],
  ]
  for (const entry of wrong)
    assert.throws(() => read(entry), { code: 'VAULT_DAMAGED' }, JSON.stringify(entry))
  assert.throws(() => read(file, file), /twice/)
  assert.throws(() => read(file, { kind: 'directory', path: 'a' }), /twice/)
  assert.throws(() => read(file, { ...file, path: 'a/b' }), /before its directory/)
  const cut = new FileTableReader('table', 1)
  assert.deepEqual([...cut.push(Buffer.from('{"kind":'))], [])
  assert.throws(() => cut.finish(), /middle of a line/)
})

test('a frame never makes more than its chunk has, and asks for no large window', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))
  assert.ok(bomb.length < 10_000)
  for (const contentBytes of [1, 1000, 1024 * 1024]) {
    await assert.rejects(decompress({ codec: 1, bytes: bomb }, contentBytes))
  }
  // A frame of one raw block, that asks for a window of 1 MiB, then of 128 MiB.
  const frame = (window: string) =>
    Buffer.from(`28b52ffd00${window}290000${Buffer.from('short').toString('hex')}`, 'hex')
  assert.equal(String(await decompress({ codec: 1, bytes: frame('50') }, 5)), 'short')
  await assert.rejects(decompress({ codec: 1, bytes: frame('88') }, 5), {
    code: 'ZSTD_error_frameParameter_windowTooLarge',
  })
  const short = zstdCompressSync(Buffer.from('short'))
  await assert.rejects(decompress({ codec: 1, bytes: short }, 6), /5 bytes of content instead of 6/)
  await assert.rejects(decompress({ codec: 9, bytes: short }, 5), /codec 9/)
  assert.equal(
    createHash('sha256')
      .update(await decompress({ codec: 1, bytes: short }, 5))
      .digest().length,
    32,
  )
})
