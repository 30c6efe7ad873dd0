import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFiles } from '../../test/support/memory-files.ts'
import type { MaintenanceNews } from '../domain/maintenance-record.ts'
import type { GateDoor, TrafficGate } from '../ports/traffic-gate.ts'
import { AgentState } from './agent-state.ts'
import { GateDoors } from './gate-doors.ts'
import { Turns } from '../domain/turns.ts'

/** A gate that writes down what it was told; while `fails` it takes no order. */
class ToldGate implements TrafficGate {
  readonly name = 'db'
  readonly told: string[] = []
  fails = false
  door: GateDoor = { shut: false, message: '' }
  async observe() {
    return { epoch: 0 }
  }
  async route() {}
  async setDoor(door: GateDoor) {
    if (this.fails) throw new Error('its socket is gone')
    this.door = door
    this.told.push(door.shut ? `shut: ${door.message}` : 'open')
  }
  async sessions() {
    return 0
  }
  async endSessions() {
    this.told.push('end sessions')
  }
}

const off: MaintenanceNews = { epoch: 0, shut: [], message: '' }
const on: MaintenanceNews = { epoch: 4, shut: ['cmp_dbgate'], message: 'Closed.' }

async function started(files = new MemoryFiles()) {
  const state = await AgentState.load(files, '/state')
  const gate = new ToldGate()
  const turns = new Turns()
  const doors = new GateDoors({ log: { info: () => {}, warn: () => {} } }, state, {
    gates: [{ component: 'cmp_dbgate', gate }],
    turns,
    admitsOwnHost: () => false,
  })
  await doors.start()
  return { files, gate, doors, turns }
}

test('a host that was never told whether it is maintenance lets nobody in until it is', async () => {
  const { gate, doors } = await started()
  assert.equal(gate.door.shut, true)
  await doors.learn(off)
  assert.equal(gate.door.shut, false)
})

test('a gate that was closed is closed from the start on when its agent starts again, whoever answers', async () => {
  const { files, doors } = await started()
  await doors.set('cmp_dbgate', { shut: true, message: 'Closed.' }, 4)
  const again = await started(files)
  assert.deepEqual(again.gate.told, ['shut: Closed.'])
})

test('a host that the run did not reach closes its gates, and ends who is inside, when it hears of maintenance', async () => {
  const { gate, doors } = await started()
  await doors.learn(off)
  await doors.learn(on)
  assert.deepEqual(gate.told.slice(-2), ['shut: Closed.', 'end sessions'])
})

test('older news opens nothing, newer news does', async () => {
  const { gate, doors } = await started()
  await doors.set('cmp_dbgate', { shut: true, message: 'Closed.' }, 5)
  await doors.learn({ ...off, epoch: 3 })
  await doors.learn({ ...off, epoch: 5 })
  assert.equal(gate.door.shut, true)
  await doors.learn({ ...off, epoch: 6 })
  assert.equal(gate.door.shut, false)
})

test('a gate that could not be told is told again, without any news', async () => {
  const { gate, doors } = await started()
  await doors.learn(off)
  gate.fails = true
  await doors.learn(on)
  assert.equal(gate.door.shut, false)
  gate.fails = false
  await doors.learn(on)
  assert.equal(gate.door.shut, true)
  const times = gate.told.length
  await doors.learn(on)
  assert.equal(gate.told.length, times)
})

test('a heartbeat does not wait for a door that an action holds', async () => {
  const { gate, doors, turns } = await started()
  await doors.learn(off)
  const draining = Promise.withResolvers<void>()
  const held = turns.inTurn('cmp_dbgate//door', () => draining.promise)
  await doors.learn(on)
  assert.equal(gate.door.shut, false)
  draining.resolve()
  await held
  await doors.learn(on)
  assert.equal(gate.door.shut, true)
})
