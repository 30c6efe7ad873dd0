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
  const frozen = { name: '192.0.2.1:5432', connect: () => new Promise<never>(() => undefined) }
  await assert.rejects(choosePrimary([frozen, frozen], 0, clock), {
    code: 'CAPTURE_SILENT',
    class: 'transient',
    message: /192\.0\.2\.1:5432/,
  })
  assert.ok(slept > 0 && slept <= 60_000, `${slept} ms`)
})
