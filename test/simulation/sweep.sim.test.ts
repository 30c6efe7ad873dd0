import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shrink } from '../../src/simulation/shrink.ts'
import { describeFailure } from '../../src/simulation/simulate-many.ts'
import type { ManyResult } from '../../src/simulation/simulate-many.ts'
import { offRunner } from './off-runner.ts'
import { baseSeed } from './simulation-support.ts'

const base = baseSeed(1)
const seeds = 1000
const lives = new URL('../../src/simulation/simulate-many.ts', import.meta.url)

/** Rare states that a thousand lives must have met: what was never reached was never tested. */
const sometimes = [
  'fault:host-crash',
  'fault:host-pause',
  'fault:partition',
  'fault:partition-one-way',
  'fault:process-kill',
  'fault:process-pause',
  'fault:clock-step',
  'fault:disk',
  'fault:weather',
  'fault:replay-pause',
  'fault:kill-at-await',
  'fault:kill-at-record',
  'log:fencing:isolated',
  'log:fencing:superseded',
  'log:member-rejoined:unchanged',
  'log:member-rejoined:rewind',
  'log:member-rejoined:clone',
  'log:automatic-run-not-done:REVOCATION_IMPOSSIBLE',
  'promoted-beside-a-living-primary',
  'reply-lost:store/transact',
  'reply-lost:agent/action-apply',
  'request-came-late',
  'superseded-effect-refused',
  'taken-over-in:promote',
  'taken-over-in:claim',
  'run-finished:completed',
  'run-finished:completed-with-gaps',
  'run-finished:failed',
  'run-finished:rolled-back',
  'run-finished:cancelled-after-point-of-no-return',
  'command:run:RUN_SUPERSEDED',
  'soft-commits',
  'write:unknown',
  'resumed-by-a-person',
]

test(`a thousand lives under faults: nothing acknowledged is lost, and each becomes whole again (seeds from ${base})`, async (t) => {
  t.diagnostic(`base seed ${base}; another part of the space: POINTZERO_SEED=<number>`)
  const { failures, counters, events, virtualMs } = await offRunner<ManyResult>(
    lives,
    'simulateMany',
    base,
    seeds,
  )
  const [first] = failures
  if (first !== undefined) {
    const smallest = await shrink(first)
    assert.fail(`${failures.length} failed; ${describeFailure(smallest)}`)
  }
  t.diagnostic(`${events} events, ${Math.round(virtualMs / 3_600_000)} h of virtual time`)
  t.diagnostic(JSON.stringify(counters))
  const never = sometimes.filter((name) => (counters[name] ?? 0) === 0)
  assert.deepEqual(never, [], 'states that no life reached')
})
