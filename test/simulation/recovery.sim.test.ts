import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offRunner } from './off-runner.ts'
import type { RecoveryLives } from './recovery-lives.ts'
import { baseSeed } from './simulation-support.ts'

const base = baseSeed(1)
const seeds = 1000
const lives = new URL('./recovery-lives.ts', import.meta.url)

const sometimes = [
  'recoveries',
  'undone-writes',
  'archive-torn',
  'archive-sync-failed',
  'backup-not-listed',
  'log:automatic-decision:zone-failover',
  'run-finished:completed',
  'run-finished:refused',
  'run-finished:rolled-back',
  'run-finished:cancelled-after-point-of-no-return',
  'superseded-effect-refused',
  'taken-over-in:restore',
  'taken-over-in:replay',
  'taken-over-in:check',
  'taken-over-in:export-after',
  'taken-over-in:promote',
]

test(`a thousand recoveries under faults: nothing before the target is lost, nothing after it is there, no sequence gives a value again (seeds from ${base})`, async (t) => {
  const { counters, failure } = await offRunner<RecoveryLives>(
    lives,
    'recoveryLives',
    base,
    seeds,
    'corruption',
  )
  assert.equal(failure, '')
  t.diagnostic(JSON.stringify(counters))
  assert.ok((counters['recoveries'] ?? 0) >= seeds, `${counters['recoveries']} recoveries`)
  const never = sometimes.filter((name) => (counters[name] ?? 0) === 0)
  assert.deepEqual(never, [], 'states that no life reached')
})

test('a recovery whose executor dies at any record boundary ends in the same state (T24)', async (t) => {
  const boundaries = await offRunner<number>(lives, 'everyBoundary', 3, 'corruption')
  t.diagnostic(`${boundaries} boundaries`)
  assert.ok(boundaries > 30, `${boundaries} boundaries`)
})
