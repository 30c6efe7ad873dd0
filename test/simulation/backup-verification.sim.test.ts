import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultEffect } from '../../src/simulation/fault.ts'
import { offRunner } from './off-runner.ts'
import { baseSeed, count, fault, live } from './simulation-support.ts'
import { failureOf } from './verification-lives.ts'
import type { VerificationLives } from './verification-lives.ts'

const phases = ['adoption', 'verification'] as const
const base = baseSeed(1)
const seeds = 1000
const lives = new URL('./verification-lives.ts', import.meta.url)

test('a snapshot is restored beside a standby, signed for once, and nothing is left of it', async () => {
  const lived = await live(1, { phases })
  const { vault, cluster } = lived.simulation.sim
  assert.equal(vault.receipts.length, 1)
  assert.equal(count(lived, 'run-again'), 0)
  assert.notEqual(vault.receipts[0]?.member, lived.simulation.director.reading.leadingServer?.name)
  assert.equal(cluster.recoverySetting.copies.size, 0)
})

const disturbances: readonly { readonly what: string; readonly effect: FaultEffect }[] = [
  { what: 'the executor', effect: { kind: 'process-kill', process: 'executor', place: 'ctl' } },
  {
    what: 'the agent that restores',
    effect: { kind: 'process-kill', process: 'agent', place: 'standby-zone' },
  },
  { what: 'the host that keeps the copies', effect: { kind: 'host-crash', place: 'client' } },
  { what: 'the control plane', effect: { kind: 'process-kill', process: 'control-plane', place: 'ctl' } },
]

for (const { what, effect } of disturbances) {
  test(`ends with a receipt and without a sandbox when this fails in the middle: ${what}`, async () => {
    for (const atMs of [10, 60, 150, 400, 800, 1200, 1600]) {
      const lived = await live(2, { phases, faults: [fault('verification', atMs, 2500, effect)] })
      assert.equal(failureOf(lived.simulation, lived), '', `at ${atMs} ms`)
    }
  })
}

test('a failover does not wait for it, and what the failover changes is not laid at its door', async () => {
  for (const atMs of [50, 400, 900]) {
    const effect = { kind: 'host-crash', place: 'leader-zone' } as const
    const lived = await live(4, { phases, faults: [fault('verification', atMs, 6000, effect)] })
    assert.equal(count(lived, 'log:automatic-decision:zone-failover'), 1)
    assert.equal(failureOf(lived.simulation, lived), '')
  }
})

const sometimes = [
  'receipts',
  'archive-torn',
  'log:automatic-decision:zone-failover',
  'run-finished:completed',
  'run-finished:refused',
  'run-finished:rolled-back',
  'superseded-effect-refused',
  'taken-over-in:restore',
  'taken-over-in:replay',
  'taken-over-in:check',
  'taken-over-in:discard',
  'taken-over-in:receipt',
]

test(`a thousand restore tests under faults: one receipt a run, no sandbox left, nobody blamed for what others changed (seeds from ${base})`, async (t) => {
  const { counters, failure } = await offRunner<VerificationLives>(lives, 'verificationLives', base, seeds)
  assert.equal(failure, '')
  t.diagnostic(JSON.stringify(counters))
  assert.ok((counters['receipts'] ?? 0) >= seeds, `${counters['receipts']} receipts`)
  const never = sometimes.filter((name) => (counters[name] ?? 0) === 0)
  assert.deepEqual(never, [], 'states that no life reached')
})

test('a restore test whose executor dies at any record boundary ends in the same state (T24)', async (t) => {
  const boundaries = await offRunner<number>(lives, 'everyBoundary', 3)
  t.diagnostic(`${boundaries} boundaries`)
  assert.ok(boundaries > 12, `${boundaries} boundaries`)
})
