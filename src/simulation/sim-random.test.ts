import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from './sim-random.ts'

test('the same seed gives the same stream, another seed another', () => {
  const draw = (seed: number): string => new SimRandom(seed).idBody(40)
  assert.equal(draw(7), draw(7))
  assert.notEqual(draw(7), draw(8))
})

test('a fork depends on seed and name only, not on what was drawn before', () => {
  const early = new SimRandom(7).fork('disk').next()
  const used = new SimRandom(7)
  used.bytes(100)
  assert.equal(used.fork('disk').next(), early)
  assert.notEqual(new SimRandom(7).fork('network').next(), early)
})

test('integers stay within their bound and reach all of it', () => {
  const random = new SimRandom(3)
  const seen = new Set(Array.from({ length: 500 }, () => random.integer(7)))
  assert.deepEqual(
    [...seen].toSorted((left, right) => left - right),
    [0, 1, 2, 3, 4, 5, 6],
  )
})
