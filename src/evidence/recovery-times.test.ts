import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleApproval, sampleJournal, sampleMeasurements } from '../../test/integration/sample-evidence.ts'
import { recoveryTimes } from './recovery-times.ts'

const journal = sampleJournal([sampleApproval()])

test('splits the time that clients saw at the stamps of watch, run journal and clients', () => {
  assert.deepEqual(recoveryTimes(journal, sampleMeasurements), {
    totalMs: 9_000,
    parts: { detect: 4_000, decide: 2_000, execute: 1_500, verify: 700, traffic: 800 },
    missing: [],
  })
})

test('the parts add up to the total whatever the stamps say', () => {
  const { firstFailedMs = 0 } = sampleMeasurements
  for (const totalMs of [0, 1, 3_999, 4_000, 6_100, 7_500, 8_300, 60_000]) {
    const times = recoveryTimes(journal, { firstFailedMs, firstAcknowledgedAfterMs: firstFailedMs + totalMs })
    const sum = Object.values(times.parts).reduce((so, part) => so + part, 0)
    assert.equal(sum, totalMs)
    assert.ok(Object.values(times.parts).every((part) => part >= 0))
  }
})

test('a part that nobody stamped is named and its time goes to the next one', () => {
  const withoutPromotion = journal.filter(({ event }) => event.type !== 'outcome' || event.step !== 'promote')
  const times = recoveryTimes(withoutPromotion, sampleMeasurements)
  assert.equal(times.parts.execute, undefined)
  assert.equal(times.parts.verify, 2_200)
  assert.deepEqual(times.missing, ['nobody stamped the end of execute'])
})

test('there is no recovery time without a failed request, or without an acknowledged write after it', () => {
  assert.equal(recoveryTimes(journal, {}).totalMs, undefined)
  assert.equal(recoveryTimes(journal, { firstFailedMs: 1 }).totalMs, undefined)
})
