import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SystemClock } from './system-clock.ts'

const clock = new SystemClock()

test('sleeps at least as long as it was told', async () => {
  for (const durationMs of [0, 1, 5, 20.5]) {
    const startedMs = clock.monotonicMs()
    await clock.sleep(durationMs)
    assert.ok(clock.monotonicMs() - startedMs >= durationMs - 1)
  }
})

test('an abort ends a sleep with its reason, before or during it', async () => {
  await assert.rejects(clock.sleep(10_000, AbortSignal.abort(new Error('before'))), /before/)
  const stop = new AbortController()
  const sleep = clock.sleep(10_000, stop.signal)
  stop.abort(new Error('during'))
  await assert.rejects(sleep, /during/)
})

test('a sleep that is longer than a timer can hold does not end at once', async () => {
  const stop = new AbortController()
  const sleep = clock.sleep(2 ** 40, stop.signal)
  const first = await Promise.race([sleep.then(() => 'slept'), clock.sleep(20).then(() => 'still sleeping')])
  assert.equal(first, 'still sleeping')
  stop.abort(new Error('enough'))
  await assert.rejects(sleep, /enough/)
})
