import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultEffect } from '../../src/simulation/fault.ts'
import { offRunner } from './off-runner.ts'
import type { RecoveryLives } from './recovery-lives.ts'
import { baseSeed, count, fault, live } from './simulation-support.ts'

const phases = ['adoption', 'component-loss'] as const
const base = baseSeed(1)
const seeds = 1000
const lives = new URL('./recovery-lives.ts', import.meta.url)

test('brings the cluster back when every member lost its data, by people alone, and clients go on', async () => {
  const lived = await live(1, { phases })
  assert.equal(count(lived, 'restores'), 1)
  assert.equal(count(lived, 'log:automatic-run-opened'), 0, 'no automatic run was in the way')
  assert.ok(count(lived, 'log:member-rejoined:clone') >= 2, 'both standbys were cloned')
})

const disturbances: readonly { readonly what: string; readonly effect: FaultEffect }[] = [
  { what: 'the executor', effect: { kind: 'process-kill', process: 'executor', place: 'ctl' } },
  {
    what: 'the agent that restores',
    effect: { kind: 'process-kill', process: 'agent', place: 'leader-zone' },
  },
  { what: 'the control plane', effect: { kind: 'process-kill', process: 'control-plane', place: 'ctl' } },
  { what: 'a host that becomes a standby', effect: { kind: 'host-crash', place: 'az2' } },
  { what: 'the host that restores', effect: { kind: 'host-crash', place: 'leader-zone' } },
  { what: 'the host of the copies', effect: { kind: 'host-crash', place: 'client' } },
]

for (const { what, effect } of disturbances) {
  test(`ends whole when this fails in the middle: ${what}`, async () => {
    for (const atMs of [10, 60, 150, 400, 800, 1200, 1600, 2200]) {
      const lived = await live(2, { phases, faults: [fault('component-loss', atMs, 3000, effect)] })
      assert.ok(count(lived, 'restores') >= 1)
    }
  })
}

test('cancelled at any moment, the members are as empty as before or the restored data is served', async () => {
  let rolledBack = 0
  for (let atMs = 20; atMs <= 2600; atMs += 130) {
    const cancel = fault('component-loss', atMs, 1, { kind: 'operator', command: 'cancel' })
    rolledBack += count(await live(4, { phases, faults: [cancel] }), 'run-finished:rolled-back')
  }
  assert.ok(rolledBack > 0, 'no cancel came before the point of no return')
})

const sometimes = [
  'restores-to-the-end',
  'restores-to-before',
  'undone-writes',
  'writes-lost-with-all-data',
  'archive-torn',
  'run-finished:completed',
  'run-finished:rolled-back',
  'superseded-effect-refused',
  'command:run:DATA_NOT_LOST',
  'taken-over-in:restore',
  'taken-over-in:replay',
  'taken-over-in:check',
  'taken-over-in:promote',
]

test(`a thousand restores under faults: nothing that was archived is lost, no sequence gives a value of it again, and each becomes whole (seeds from ${base})`, async (t) => {
  const { counters, failure } = await offRunner<RecoveryLives>(
    lives,
    'recoveryLives',
    base,
    seeds,
    'component-loss',
  )
  assert.equal(failure, '')
  t.diagnostic(JSON.stringify(counters))
  assert.ok((counters['restores'] ?? 0) >= seeds, `${counters['restores']} restores`)
  const never = sometimes.filter((name) => (counters[name] ?? 0) === 0)
  assert.deepEqual(never, [], 'states that no life reached')
})

test('a restore whose executor dies at any record boundary ends in the same state (T24)', async (t) => {
  const boundaries = await offRunner<number>(lives, 'everyBoundary', 1, 'component-loss')
  t.diagnostic(`${boundaries} boundaries`)
  assert.ok(boundaries > 30, `${boundaries} boundaries`)
})
