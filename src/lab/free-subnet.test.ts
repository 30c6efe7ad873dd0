import assert from 'node:assert/strict'
import { it } from 'node:test'
import { overlaps } from './free-subnet.ts'

it('sees that a /24 lies inside a wider block, equals one, or holds a narrower one', () => {
  assert.equal(overlaps('10.1.2', { address: '10.0.0.0', length: 8 }), true)
  assert.equal(overlaps('10.1.2', { address: '10.1.2.0', length: 24 }), true)
  assert.equal(overlaps('10.1.2', { address: '10.1.2.77', length: 32 }), true)
})

it('sees that neighbours do not overlap', () => {
  assert.equal(overlaps('10.1.2', { address: '10.1.3.0', length: 24 }), false)
  assert.equal(overlaps('10.1.2', { address: '192.168.0.0', length: 16 }), false)
  assert.equal(overlaps('10.1.2', { address: '10.2.0.0', length: 16 }), false)
})
