import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../ports/clock.ts'
import { choosePrimary } from './primary-choice.ts'

test('a source that accepts connections and never answers is given up, and does not hold up the others for ever', async () => {
  let slept = 0
  const clock: Pick<Clock, 'sleep'> = {
    sleep: async (durationMs) => {
      slept += durationMs
    },
  }
  let ended = 0
  const frozen = {
    name: '192.0.2.1:5432',
    connect: (signal: AbortSignal) => {
      signal.addEventListener('abort', () => (ended += 1))
      return new Promise<never>(() => undefined)
    },
  }
  const { signal } = new AbortController()
  await assert.rejects(choosePrimary([frozen, frozen], 0, clock, signal), {
    code: 'CAPTURE_SILENT',
    class: 'transient',
    message: /192\.0\.2\.1:5432/,
  })
  assert.equal(ended, 2, 'no connection is left open')
  assert.ok(slept > 0 && slept <= 60_000, `${slept} ms`)
})
