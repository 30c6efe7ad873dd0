import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultEffect } from '../../src/simulation/fault.ts'
import { count, fault, live } from './simulation-support.ts'

const phases = ['adoption', 'corruption'] as const

test('takes the cluster back, loses nothing from before, and clients go on', async () => {
  const lived = await live(1, { phases })
  assert.equal(count(lived, 'recoveries'), 1)
  assert.ok(count(lived, 'undone-writes') > 0, 'commits lay behind the target')
  assert.equal(lived.simulation.director.reading.leadingServer?.name, 'p1')
})

const disturbances: readonly { readonly what: string; readonly effect: FaultEffect }[] = [
  { what: 'the executor', effect: { kind: 'process-kill', process: 'executor', place: 'ctl' } },
  {
    what: 'the agent that restores',
    effect: { kind: 'process-kill', process: 'agent', place: 'leader-zone' },
  },
  { what: 'the control plane', effect: { kind: 'process-kill', process: 'control-plane', place: 'ctl' } },
  { what: 'a standby', effect: { kind: 'host-crash', place: 'az2' } },
  { what: 'the agent of the gate', effect: { kind: 'process-kill', process: 'agent', place: 'client' } },
]

for (const { what, effect } of disturbances) {
  test(`ends with the recovered data everywhere when this fails in the middle: ${what}`, async () => {
    for (const atMs of [10, 60, 150, 400, 800, 1200, 1600, 2200]) {
      await live(2, { phases, faults: [fault('corruption', atMs, 3000, effect)] })
    }
  })
}

test('an executor that dies at any record of the journal leaves a run that ends the same (T24)', async () => {
  for (let records = 1; records <= 60; records += 3) {
    const faults = [fault('corruption', 0, 1, { kind: 'kill-at-record', records })]
    const lived = await live(3, { phases, faults })
    assert.ok(count(lived, 'recoveries') >= 1, `killed at record ${records}`)
  }
})

test('cancelled at any moment, the old data is served again or the recovered one is (T38)', async () => {
  let rolledBack = 0
  let beyond = 0
  for (let atMs = 20; atMs <= 2600; atMs += 130) {
    const cancel = fault('corruption', atMs, 1, { kind: 'operator', command: 'cancel' })
    const lived = await live(4, { phases, faults: [cancel] })
    rolledBack += count(lived, 'run-finished:rolled-back')
    beyond += count(lived, 'run-finished:cancelled-after-point-of-no-return')
  }
  assert.ok(rolledBack > 0, 'no cancel came before the point of no return')
  assert.ok(beyond > 0, 'no cancel came after it')
})
