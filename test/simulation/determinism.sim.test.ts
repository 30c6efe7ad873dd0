import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateSeed } from '../../src/simulation/simulate.ts'
import { baseSeed } from './simulation-support.ts'

const base = baseSeed(50_000)

test('the same seed gives the same trace, event for event', async () => {
  for (let seed = base; seed < base + 10; seed += 1) {
    const [first, second] = [await simulateSeed(seed), await simulateSeed(seed)]
    assert.equal(first.traceHash, second.traceHash, `seed ${seed}`)
    assert.equal(first.events, second.events)
    assert.deepEqual(first.counters, second.counters)
  }
})

test('the expanded options alone give the same trace: what is printed is enough to replay', async () => {
  const first = await simulateSeed(base)
  const again = JSON.parse(JSON.stringify(first.options)) as typeof first.options
  assert.equal((await simulateSeed(base, again)).traceHash, first.traceHash)
})

test('another seed gives another trace', async () => {
  const [first, second] = [await simulateSeed(base), await simulateSeed(base + 1)]
  assert.notEqual(first.traceHash, second.traceHash)
})
