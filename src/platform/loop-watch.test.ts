import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { watchLoop } from './loop-watch.ts'

test('a loop that stood still is logged with its milliseconds, one that goes on is not', async () => {
  const lines: (readonly [string, unknown])[] = []
  const stop = watchLoop({
    info: () => undefined,
    warn: (event, fields) => lines.push([event, fields?.['ms']]),
  })
  // Another test may take the processor, so only a stop of seconds is one.
  await sleep(300)
  const before = lines.length
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_600)
  await sleep(300)
  stop()
  const [event, ms] = lines[before] ?? []
  assert.equal(event, 'process-stood-still')
  assert.ok(typeof ms === 'number' && ms >= 1_000, String(ms))
})
