import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeBytes } from './free-bytes.ts'

test('a large buffer is empty at once, also when a part of it is named, and a second time', () => {
  const bytes = new Uint8Array(1 << 20)
  freeBytes(bytes.subarray(5, 10))
  freeBytes(bytes)
  assert.equal(bytes.length, 0)
})

test('what may lie in a pool with the bytes of others is left alone', () => {
  const [mine, other] = [Buffer.allocUnsafe(16).fill(1), Buffer.allocUnsafe(16).fill(2)]
  freeBytes(mine)
  assert.deepEqual(
    [...other],
    Array.from({ length: 16 }, () => 2),
  )
  assert.ok(Buffer.poolSize < 128 * 1024)
})
