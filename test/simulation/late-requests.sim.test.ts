import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, fault, live } from './simulation-support.ts'

/** Every request is delivered twice, and some of them long after what came later. */
const duplicates = {
  kind: 'weather',
  lossRate: 0,
  replyLossRate: 0,
  duplicateRate: 1,
  slowRate: 0.3,
  slowUs: 150_000,
} as const

test('a request that is delivered after its step was over has no effect, though its epoch is the highest', async () => {
  let refused = 0
  for (let seed = 1; seed <= 10; seed += 1) {
    const planned = await live(seed, {
      phases: ['adoption', 'switchover'],
      faults: [fault('switchover', 0, 5000, duplicates)],
    })
    const unplanned = await live(seed, {
      phases: ['adoption', 'failover'],
      faults: [
        fault('failover', 0, 5000, duplicates),
        fault('failover', 100, 6000, { kind: 'partition', place: 'leader-zone', from: 'everybody' }),
      ],
    })
    for (const lived of [planned, unplanned]) refused += count(lived, 'stale-effect-refused:late')
  }
  assert.ok(refused > 10, `${refused} were refused`)
})
