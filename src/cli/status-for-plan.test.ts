import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import type { ControlPlaneStatus, HostStatus } from '../server/status-wire.ts'
import { statusForPlan } from './status-for-plan.ts'

/** Asks a control plane that answers with these in turn, then with the last of them. Returns what was taken, and how long it took in ms. */
async function taken(answers: readonly (readonly HostStatus[])[]) {
  const time = new VirtualTime()
  const world = time.world()
  let asked = 0
  const status = async () => {
    asked += 1
    return { hosts: answers[Math.min(asked, answers.length) - 1] } as unknown as ControlPlaneStatus
  }
  const startMs = world.clock.monotonicMs()
  const { hosts } = await time.settled(statusForPlan({ status, world }))
  return { hosts, ms: Math.round(world.clock.monotonicMs() - startMs) }
}

const fresh = { host: 'az1', ageMs: 300 }

test('a host that is late is waited for, one that was lost or never reported is not', async () => {
  assert.deepEqual(await taken([[fresh]]), { hosts: [fresh], ms: 0 })
  const late = { host: 'az1', ageMs: 1_700 }
  assert.deepEqual((await taken([[late], [late], [fresh]])).hosts, [fresh])
  const gone = [fresh, { host: 'az2', ageMs: 60_000 }, { host: 'az3' }]
  assert.deepEqual(await taken([gone]), { hosts: gone, ms: 0 })
})

test('a reading of a member that is old in a young report is waited for as well', async () => {
  const member = (ageMs: number) => ({ component: 'c', member: 'm', observation: {}, ageMs, fenced: false })
  const host = (ageMs: number) => ({ ...fresh, view: { members: [member(ageMs)] } }) as unknown as HostStatus
  assert.deepEqual((await taken([[host(1_500)], [host(200)]])).hosts, [host(200)])
})

test('nobody is waited for longer than a few seconds', async () => {
  const late = { host: 'az1', ageMs: 1_700 }
  const { hosts, ms } = await taken([[late]])
  assert.deepEqual(hosts, [late])
  assert.ok(ms >= 4_000 && ms < 5_000, `${ms} ms`)
})
