import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detectFailure } from './failure-detector.ts'
import type { DetectionInput, ObserverReading } from './failure-detector.ts'

const detectMs = 1_500

function observer(place: string, silentMs: number, ageMs = 100): ObserverReading {
  return { place, silentMs, ageMs }
}

function detect(observers: readonly ObserverReading[], own?: DetectionInput['own']) {
  return detectFailure({ detectMs, zone: 'az1', own, observers })
}

test('a primary is down only when two places outside its zone had no answer', () => {
  assert.equal(detect([observer('az2', 2_000), observer('az3', 2_000)]).state, 'down')
  assert.equal(detect([observer('az2', 2_000), observer('az3', 100)]).state, 'degraded')
  assert.equal(detect([observer('az2', 100), observer('az3', 100)]).state, 'up')
})

test('one place alone never declares a primary down, however silent it is', () => {
  assert.equal(detect([observer('az2', 60_000)]).state, 'degraded')
})

test('observers of one place count once, and the freshest speaks for it', () => {
  assert.equal(detect([observer('az2', 2_000), observer('az2', 2_000)]).state, 'degraded')
  const older = observer('az2', 2_000, 900)
  const newer = observer('az2', 0, 100)
  assert.equal(detect([older, newer, observer('az3', 2_000)]).state, 'degraded')
  assert.equal(detect([newer, older, observer('az3', 2_000)]).state, 'degraded')
})

test('observers in the zone of the primary do not count: they may be lost together with it', () => {
  assert.equal(detect([observer('az1', 2_000), observer('az2', 2_000)]).state, 'degraded')
  assert.equal(detect([observer('az1', 2_000)]).state, 'unknown')
  assert.equal(detect([observer('az1', 0), observer('az2', 2_000), observer('az3', 2_000)]).state, 'down')
})

test('a stale report is unknown, never down and never up', () => {
  const stale = detectMs + 1
  assert.equal(detect([observer('az2', 9_000, stale), observer('az3', 9_000, stale)]).state, 'unknown')
  assert.equal(detect([observer('az2', 0, stale), observer('az3', 0, stale)]).state, 'unknown')
  assert.equal(detect([observer('az2', 9_000, stale), observer('az3', 9_000)]).state, 'degraded')
})

test('nothing observed is unknown', () => {
  assert.equal(detect([]).state, 'unknown')
})

test('the age of a report does not lengthen the silence that was measured in it', () => {
  const almost = observer('az2', detectMs - 1, detectMs)
  assert.equal(detect([almost, { ...almost, place: 'az3' }]).state, 'up')
})

test('the agent beside the primary is believed at once when it saw the postmaster end', () => {
  const answered = [observer('az2', 0), observer('az3', 0)]
  assert.equal(detect(answered, { role: 'stopped', ageMs: 5 }).state, 'down')
  assert.equal(detect([], { role: 'stopped', ageMs: 5 }).state, 'down')
})

test('what that agent says counts only while it is fresh and only when it is an end', () => {
  const answered = [observer('az2', 0), observer('az3', 0)]
  assert.equal(detect(answered, { role: 'stopped', ageMs: detectMs + 1 }).state, 'up')
  for (const role of ['primary', 'unknown', 'starting'])
    assert.equal(detect(answered, { role, ageMs: 5 }).state, 'up')
})

test('a primary that only its own agent still sees is down: clients are elsewhere', () => {
  const silent = [observer('az2', 2_000), observer('az3', 2_000)]
  assert.equal(detect(silent, { role: 'primary', ageMs: 5 }).state, 'down')
})

test('the account names the places in the same order, whatever order they reported in', () => {
  const readings = [observer('control', 2_000), observer('az3', 2_000), observer('az2', 2_000)]
  assert.equal(detect(readings).reason, detect(readings.toReversed()).reason)
  assert.match(detect(readings).reason, /^3 of 3 .*\(az2, az3, control\)$/)
})
