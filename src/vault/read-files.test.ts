import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryObjectStore } from '../../test/support/memory-object-store.ts'
import { backUp, recoveryKey, sampleVault, seededEffects } from '../../test/support/sample-vault.ts'
import { clock } from '../../test/support/system-time.ts'
import { findSnapshot, readCatalogue } from './catalogue.ts'
import { ReadFiles } from './read-files.ts'
import { SnapshotReader } from './snapshot-reader.ts'

const mebibyte = 1024 * 1024

/** A snapshot of 20 files of 1.5 MiB that do not compress, and how many bytes of packs were read since. */
async function openSample() {
  const store = new MemoryObjectStore()
  const read = { bytes: 0, offsets: new Map<string, number[]>() }
  const vault = await sampleVault(store)
  const { random } = seededEffects('read ahead')
  const files = Array.from({ length: 20 }, (_, index) => {
    return [`base/${index + 10}`, random.bytes(1.5 * mebibyte)] as const
  })
  await backUp(vault, new Map([...files, ['global/pg_control', new Uint8Array(8192)]]))
  const manifest = findSnapshot(await readCatalogue(vault), 'latest', undefined)
  const get = store.get.bind(store)
  store.get = async (name, range) => {
    const bytes = await get(name, range)
    if (name.endsWith('.pack') && range !== undefined) {
      read.bytes += bytes.length
      read.offsets.set(name, [...(read.offsets.get(name) ?? []), range.offset])
    }
    return bytes
  }
  return { reader: await SnapshotReader.open(vault, manifest, recoveryKey), read, files: new Map(files) }
}

test('several files are read at once, but never more than a few pieces, and packs from front to back', async () => {
  const { reader, read, files } = await openSample()
  const entries = await Array.fromAsync(reader.entries())
  read.offsets.clear()
  const gate = Promise.withResolvers<void>()
  let [taken, most] = [0, 0]
  const found = new Map<string, Uint8Array>()
  const readFiles = new ReadFiles(reader, async ({ path }, pieces) => {
    most = Math.max(most, (taken += 1))
    await gate.promise
    const content: Uint8Array[] = []
    for await (const { bytes } of pieces) content.push(Buffer.from(await bytes))
    found.set(path, Buffer.concat(content))
    taken -= 1
  })
  const all = (async () => {
    for (const entry of entries) if (entry.kind === 'file') await readFiles.read(entry)
    await readFiles.finish()
  })()
  // Everything that may be read before anything is taken.
  for (let quiet = 0, before = -1; quiet < 5; before = read.bytes) {
    await clock.sleep(10)
    quiet = read.bytes === before ? quiet + 1 : 0
  }
  assert.ok(most >= 5, `${most} files at once`)
  assert.ok(read.bytes < 18 * mebibyte, `${read.bytes} bytes ahead of the first that was taken`)
  gate.resolve()
  await all
  for (const [path, content] of files)
    assert.ok(Buffer.from(content).equals(found.get(path) as Uint8Array), path)
  for (const [pack, offsets] of read.offsets) {
    const indexes = reader.packs.map(({ packBytes, indexBytes }) => packBytes - indexBytes)
    const records = offsets.filter((offset) => offset > 0 && !indexes.includes(offset))
    assert.deepEqual(
      records,
      records.toSorted((left, right) => left - right),
      pack,
    )
    assert.ok(records.length <= 12, `${records.length} reads of ${pack}`)
  }
})

test('one file that fails ends the others, and nothing is being read when it is told', async () => {
  const { reader } = await openSample()
  let running = 0
  const readFiles = new ReadFiles(reader, async ({ path }, pieces) => {
    running += 1
    try {
      for await (const { bytes } of pieces) {
        await bytes
        if (path.endsWith('/13')) throw new Error('the disk is full')
      }
    } finally {
      running -= 1
    }
  })
  const all = (async () => {
    for await (const entry of reader.entries()) if (entry.kind === 'file') await readFiles.read(entry)
    await readFiles.finish()
  })()
  await assert.rejects(all, /the disk is full/)
  await readFiles.abandon()
  assert.equal(running, 0)
})
