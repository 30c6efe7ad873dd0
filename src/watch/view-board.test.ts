import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentView, Heartbeat } from '../agent/wire.ts'
import { ViewBoard } from './view-board.ts'

function view(epoch: number): AgentView {
  return { members: [], probes: [], gates: [], instances: [], epochs: [{ scope: 's', epoch }] }
}

function beat(boot: string, sequence: number): Heartbeat {
  return {
    format: 'pointzero/agent-wire/1',
    estate: 'est_simulated',
    host: 'hst_az1000',
    boot,
    sequence,
    view: view(sequence),
  }
}

test('a host that never reported is infinitely old', () => {
  assert.equal(new ViewBoard().ageMs('hst_az1000', 5), Number.POSITIVE_INFINITY)
  assert.equal(new ViewBoard().reading('hst_az1000'), undefined)
})

test('age counts from the arrival of the newest report', () => {
  const board = new ViewBoard()
  board.record(beat('one', 1), 1_000)
  board.record(beat('one', 2), 1_400)
  assert.equal(board.ageMs('hst_az1000', 2_000), 600)
})

test('a late report of the same boot neither replaces a newer one nor makes it younger', () => {
  const board = new ViewBoard()
  board.record(beat('one', 2), 1_000)
  board.record(beat('one', 1), 1_400)
  board.record(beat('one', 2), 1_500)
  assert.equal(board.reading('hst_az1000')?.view.epochs[0]?.epoch, 2)
  assert.equal(board.ageMs('hst_az1000', 2_000), 1_000)
})

test('an agent that started again is heard although it counts from one', () => {
  const board = new ViewBoard()
  board.record(beat('one', 900), 1_000)
  board.record(beat('two', 1), 1_100)
  assert.equal(board.reading('hst_az1000')?.view.epochs[0]?.epoch, 1)
})

test('a late report of an earlier boot does not replace what the agent said since', () => {
  const board = new ViewBoard()
  board.record(beat('one', 900), 1_000)
  board.record(beat('two', 1), 1_100)
  board.record(beat('one', 901), 1_200)
  assert.equal(board.reading('hst_az1000')?.view.epochs[0]?.epoch, 1)
  assert.equal(board.ageMs('hst_az1000', 2_000), 900)
})
