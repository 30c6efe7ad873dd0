import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ControlStore } from '../../src/ports/control-store.ts'

/** What every control store keeps. `make` gives an empty one and its end. */
export function controlStoreContract(
  name: string,
  make: () => Promise<{ readonly store: ControlStore; readonly close: () => Promise<void> }>,
): void {
  const promise = (title: string, body: (store: ControlStore) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const { store, close } = await make()
      try {
        await body(store)
      } finally {
        await close()
      }
    })
  }
  reading(promise)
  comparing(promise)
  changing(promise)
  limits(promise)
}

type Promises = (title: string, body: (store: ControlStore) => Promise<void>) => void

async function put(store: ControlStore, ...keys: readonly string[]): Promise<number> {
  const result = await store.transact({ compare: [], put: keys.map((key) => ({ key, value: `of ${key}` })) })
  assert.ok(result.succeeded)
  return result.revision
}

function reading(promise: Promises): void {
  promise('a key that was never put is absent', async (store) => {
    assert.equal(await store.get('pz/x'), undefined)
    assert.deepEqual(await store.list('pz/'), [])
  })

  promise('a value comes back as it was put, whatever it contains', async (store) => {
    const value = '{"text":"é \\u0000 😀 \' \\" \\n"}'
    await store.transact({ compare: [], put: [{ key: 'pz/x', value }] })
    assert.equal((await store.get('pz/x'))?.value, value)
  })

  promise('a list is ordered by key, and a prefix is a prefix of characters', async (store) => {
    await put(store, 'pz/b/2', 'pz/b/10', 'pz/b', 'pz/a', 'pz/c', 'pz/b~', 'pz/b/%', 'pz/b_')
    assert.deepEqual(
      (await store.list('pz/b')).map(({ key }) => key),
      ['pz/b', 'pz/b/%', 'pz/b/10', 'pz/b/2', 'pz/b_', 'pz/b~'],
    )
    assert.deepEqual(
      (await store.list('pz/b/')).map(({ key }) => key),
      ['pz/b/%', 'pz/b/10', 'pz/b/2'],
    )
  })

  promise('all keys of a transaction carry its revision, and revisions only grow', async (store) => {
    const first = await put(store, 'pz/a', 'pz/b')
    const second = await put(store, 'pz/b', 'pz/c')
    assert.ok(first >= 1 && second > first)
    const revisions = (await store.list('pz/')).map(({ key, revision }) => [key, revision])
    assert.deepEqual(revisions, [
      ['pz/a', first],
      ['pz/b', second],
      ['pz/c', second],
    ])
  })
}

function comparing(promise: Promises): void {
  promise('0 compares with absent, a revision with exactly that revision', async (store) => {
    const entry = { key: 'pz/a', value: '1' }
    const absent = { compare: [{ key: 'pz/a', revision: 0 }], put: [entry] }
    const { revision, succeeded } = await store.transact(absent)
    assert.ok(succeeded)
    assert.equal((await store.transact(absent)).succeeded, false)
    assert.equal(
      (await store.transact({ compare: [{ key: 'pz/a', revision: revision + 1 }], put: [entry] })).succeeded,
      false,
    )
    assert.equal(
      (await store.transact({ compare: [{ key: 'pz/a', revision }], put: [entry] })).succeeded,
      true,
    )
  })

  promise('a transaction of which one comparison fails changes nothing', async (store) => {
    const before = await put(store, 'pz/a')
    const result = await store.transact({
      compare: [
        { key: 'pz/a', revision: before },
        { key: 'pz/b', revision: 7 },
      ],
      put: [
        { key: 'pz/a', value: 'changed' },
        { key: 'pz/c', value: 'new' },
      ],
    })
    assert.deepEqual(result, { succeeded: false, revision: before })
    assert.deepEqual(
      (await store.list('pz/')).map(({ key, value }) => [key, value]),
      [['pz/a', 'of pz/a']],
    )
  })

  promise('of many that compare the same revision at once exactly one succeeds', async (store) => {
    const revision = await put(store, 'pz/a')
    const attempts = Array.from({ length: 20 }, async (_, n) =>
      store.transact({ compare: [{ key: 'pz/a', revision }], put: [{ key: 'pz/a', value: String(n) }] }),
    )
    const results = await Promise.all(attempts)
    const winner = results.findIndex(({ succeeded }) => succeeded)
    assert.equal(results.filter(({ succeeded }) => succeeded).length, 1)
    assert.equal((await store.get('pz/a'))?.value, String(winner))
  })
}

function changing(promise: Promises): void {
  promise('changes that are there already come at once', async (store) => {
    const first = await put(store, 'pz/a/1')
    await put(store, 'pz/a/2', 'pz/b')
    assert.deepEqual(
      (await store.changes('pz/a/', first, 10_000)).map(({ key }) => key),
      ['pz/a/2'],
    )
    assert.deepEqual(
      (await store.changes('pz/a/', 0, 10_000)).map(({ key }) => key),
      ['pz/a/1', 'pz/a/2'],
    )
  })

  promise('changes waits for the first under its prefix', async (store) => {
    const revision = await put(store, 'pz/a/1')
    const waiting = store.changes('pz/a/', revision, 10_000)
    await put(store, 'pz/b')
    await put(store, 'pz/a/2')
    assert.deepEqual(
      (await waiting).map(({ key }) => key),
      ['pz/a/2'],
    )
  })

  promise('changes gives up after its time with nothing', async (store) => {
    const revision = await put(store, 'pz/a')
    assert.deepEqual(await store.changes('pz/', revision, 30), [])
  })
}

function limits(promise: Promises): void {
  const entry = (n: number) => ({ key: `pz/${n}`, value: 'x' })

  promise('takes 128 operations and no more', async (store) => {
    assert.ok(
      (await store.transact({ compare: [], put: Array.from({ length: 128 }, (_, n) => entry(n)) })).succeeded,
    )
    await assert.rejects(
      store.transact({
        compare: [{ key: 'pz/a', revision: 0 }],
        put: Array.from({ length: 128 }, (_, n) => entry(n)),
      }),
      {
        code: 'STORE_LIMIT',
      },
    )
  })

  promise('takes a value of 1 MiB and no larger one', async (store) => {
    const value = 'x'.repeat(1_048_576)
    assert.ok((await store.transact({ compare: [], put: [{ key: 'pz/a', value }] })).succeeded)
    await assert.rejects(store.transact({ compare: [], put: [{ key: 'pz/b', value: `${value}x` }] }), {
      code: 'STORE_LIMIT',
    })
    await assert.rejects(
      store.transact({ compare: [], put: [{ key: 'pz/b', value: 'é'.repeat(600_000) }] }),
      { code: 'STORE_LIMIT' },
    )
  })

  promise('refuses a key that is put twice, and keys beyond ASCII', async (store) => {
    await assert.rejects(store.transact({ compare: [], put: [entry(1), entry(1)] }), { code: 'STORE_LIMIT' })
    await assert.rejects(store.transact({ compare: [], put: [{ key: 'pz/é', value: '' }] }), {
      code: 'STORE_LIMIT',
    })
  })
}
