import assert from 'node:assert/strict'
import { test } from 'node:test'
import { staleReadBoundMs } from './stale-read-bound.ts'

test('the bound is the fence, a heartbeat, a look and a shutdown', () => {
  assert.equal(staleReadBoundMs({ fenceMs: 2_000, synchronousCount: 1 }), 2_000 + 250 + 100 + 1_000)
  assert.equal(staleReadBoundMs({ fenceMs: 5_000, synchronousCount: 2 }, 60), 5_000 + 60 + 60 + 1_000)
})

test('where nobody is waited for there is no bound', () => {
  assert.equal(staleReadBoundMs({ fenceMs: 2_000, synchronousCount: 0 }), undefined)
})
