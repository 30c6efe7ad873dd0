import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectStore } from '../../src/ports/object-store.ts'

const text = (content: string) => Buffer.from(content)

/** What every object store has to do, whatever it is made of. `open` gives an empty one. */
export function objectStoreContract(what: string, open: () => Promise<ObjectStore>): void {
  contentContract(what, open)
  nameContract(what, open)
}

function contentContract(what: string, open: () => Promise<ObjectStore>): void {
  test(`${what}: returns what was put, whole and in ranges`, async () => {
    const store = await open()
    assert.equal(await store.putNew('e/1/p/a.pack', [text('hello, '), text(''), text('world')]), 'stored')
    assert.equal(Buffer.from(await store.get('e/1/p/a.pack')).toString(), 'hello, world')
    const range = await store.get('e/1/p/a.pack', { offset: 7, length: 5 })
    assert.equal(Buffer.from(range).toString(), 'world')
    assert.equal((await store.get('e/1/p/a.pack', { offset: 12, length: 0 })).length, 0)
    assert.deepEqual(await store.head('e/1/p/a.pack'), { name: 'e/1/p/a.pack', sizeBytes: 12 })
    assert.equal(await store.putNew('empty', []), 'stored')
    assert.equal((await store.get('empty')).length, 0)
  })

  test(`${what}: never changes what is there`, async () => {
    const store = await open()
    await store.putNew('a', [text('first')])
    assert.equal(await store.putNew('a', [text('fir'), text('st')]), 'already-there')
    for (const other of ['second', 'firs', 'first!', '']) {
      await assert.rejects(store.putNew('a', [text(other)]), { code: 'OBJECT_EXISTS', class: 'refused' })
    }
    assert.equal(Buffer.from(await store.get('a')).toString(), 'first')
  })

  test(`${what}: of many writers of one name exactly one content wins`, async () => {
    const store = await open()
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, index) => store.putNew('race', [text(`writer ${index % 4}`)])),
    )
    assert.equal(results.filter((one) => one.status === 'fulfilled' && one.value === 'stored').length, 1)
    assert.equal(results.filter((one) => one.status === 'fulfilled').length, 2)
  })

  test(`${what}: says what is not there, and what ends too early`, async () => {
    const store = await open()
    await assert.rejects(store.get('absent'), { code: 'OBJECT_ABSENT', class: 'permanent' })
    assert.equal(await store.head('absent'), undefined)
    assert.equal(await store.head('no/such/folder'), undefined)
    await store.putNew('short', [text('12345')])
    await assert.rejects(store.get('short', { offset: 3, length: 3 }), { code: 'OBJECT_TRUNCATED' })
    await assert.rejects(store.get('short', { offset: 6, length: 1 }), { code: 'OBJECT_TRUNCATED' })
  })
}

function nameContract(what: string, open: () => Promise<ObjectStore>): void {
  test(`${what}: lists a folder with everything below it, in order`, async () => {
    const store = await open()
    assert.deepEqual(await store.list(''), [])
    for (const name of ['e/2/s/b', 'e/1/s/a', 'e/1/p/z', 'vault.json', 'e/10/s/c']) {
      await store.putNew(name, [text(name)])
    }
    const names = async (prefix: string) => (await store.list(prefix)).map(({ name }) => name)
    assert.deepEqual(await names(''), ['e/1/p/z', 'e/1/s/a', 'e/10/s/c', 'e/2/s/b', 'vault.json'])
    assert.deepEqual(await names('e/1/'), ['e/1/p/z', 'e/1/s/a'])
    assert.deepEqual(await names('e/3/'), [])
    assert.deepEqual(await store.list('e/2/'), [{ name: 'e/2/s/b', sizeBytes: 7 }])
  })

  test(`${what}: refuses names that could lead elsewhere`, async () => {
    const store = await open()
    const hostile = [
      '',
      '.',
      '..',
      '../a',
      'a/../b',
      '/a',
      'a//b',
      'a/',
      '.hidden',
      'a/.b',
      'a\0b',
      'a\\b',
      'ä',
      'a b',
    ]
    for (const name of [...hostile, 'n'.repeat(600), 'a\n', 'con:', '-rf']) {
      const refusal = { code: 'OBJECT_NAME_INVALID', class: 'permanent' }
      await assert.rejects(store.putNew(name, [text('x')]), refusal, name)
      await assert.rejects(store.get(name), refusal, name)
      await assert.rejects(store.head(name), refusal, name)
      if (name !== '') await assert.rejects(store.list(`${name}/`), refusal, name)
    }
    assert.deepEqual(await store.list(''), [])
  })

  test(`${what}: promises no lock that it can not keep`, async () => {
    const store = await open()
    const locked = store.putNew('locked', [text('x')], { lockedUntilMs: 4_102_444_800_000 })
    await assert.rejects(locked, { code: 'OBJECT_LOCK_UNSUPPORTED', class: 'refused' })
    assert.equal(await store.head('locked'), undefined)
  })
}
