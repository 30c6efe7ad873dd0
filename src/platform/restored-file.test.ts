import assert from 'node:assert/strict'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { RestoredFile } from './restored-file.ts'
import type { Rooms } from './restored-file.ts'

async function inDirectory(body: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'pointzero-restored-'))
  try {
    await body(join(directory, 'file'))
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Its writes fail once it has `room` bytes; `begun` counts them. */
async function fullDisk(path: string, room: number) {
  const handle = await open(path, 'wx')
  let written = 0
  const seen = { begun: 0 }
  const failing = new Proxy(handle, {
    get(target, name) {
      if (name !== 'writev')
        return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target)
      return async (pieces: readonly Uint8Array[]) => {
        seen.begun += 1
        written += pieces.reduce((total, piece) => total + piece.length, 0)
        if (written > room) throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
        return target.writev(pieces)
      }
    },
  })
  return { handle: failing, seen }
}

test('holds the bytes in their order, whatever the sizes of the pieces, with syncs between them', async () => {
  const sizes = fc.array(fc.oneof(fc.nat(70_000), fc.integer({ min: 250_000, max: 1_200_000 })), {
    minLength: 1,
    maxLength: 20,
  })
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(3), async (asked, syncEvery) => {
      await inDirectory(async (path) => {
        const rooms: Rooms = []
        const file = new RestoredFile(await open(path, 'wx'), rooms)
        const expected: Uint8Array[] = []
        let syncing = Promise.resolve()
        for (const [index, size] of asked.entries()) {
          const piece = new Uint8Array(size).fill(index + 1)
          expected.push(piece.slice())
          await file.write([piece.subarray(0, size >> 1), piece.subarray(size >> 1)])
          // It is the caller's again.
          piece.fill(0xee)
          if (syncEvery > 0 && index % syncEvery === 0) syncing = file.sync()
        }
        await syncing
        await file.sync()
        await file.close()
        await file.close()
        assert.equal(Buffer.compare(await readFile(path), Buffer.concat(expected)), 0)
      })
    }),
    { numRuns: 25 },
  )
})

test('a large piece is on its way when the call returns, before anybody waits for it', async () => {
  await inDirectory(async (path) => {
    const { handle, seen } = await fullDisk(path, 1_000_000)
    const file = new RestoredFile(handle, [])
    const writing = file.write([new Uint8Array(300_000)])
    assert.equal(seen.begun, 1)
    await writing
    await file.close()
  })
})

test('uses the rooms of files that are complete again', async () => {
  await inDirectory(async (path) => {
    const rooms: Rooms = []
    for (let index = 0; index < 5; index++) {
      const file = new RestoredFile(await open(`${path}${index}`, 'wx'), rooms)
      await file.write([new Uint8Array(1000)])
      await file.sync()
      await file.close()
    }
    assert.equal(rooms.length, 1)
  })
})

test('a write that failed is told by the sync after it, and nothing is written behind the hole', async () => {
  await inDirectory(async (path) => {
    const { handle, seen } = await fullDisk(path, 10)
    const file = new RestoredFile(handle, [])
    // Put together first: it fails when it is passed on.
    await file.write([new Uint8Array(1000)])
    await assert.rejects(file.sync(), { code: 'ENOSPC' })
    await assert.rejects(file.write([new Uint8Array(300_000)]), { code: 'ENOSPC' })
    await assert.rejects(file.sync(), { code: 'ENOSPC' })
    await assert.rejects(file.close(), { code: 'ENOSPC' })
    await file.close()
    assert.equal(seen.begun, 1)
    assert.equal((await readFile(path)).length, 0)
  })
})
