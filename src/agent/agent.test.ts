import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryMember, primaryNaming } from '../../test/support/memory-member.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { agentActions } from '../actions/agent-actions.ts'
import { clusters } from '../estate/estate-lookup.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { TrafficGate } from '../ports/traffic-gate.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { startAgent } from './agent.ts'
import type { AgentView, Heartbeat, HeartbeatReply } from './wire.ts'

const estate = simulatedEstate({ fenceMs: 1_000 })
const brokenGate: TrafficGate = {
  name: 'broken',
  observe: () => Promise.reject(new Error('its configuration can not be read')),
  route: () => Promise.reject(new Error('its configuration can not be read')),
  setDoor: async () => {},
  sessions: async () => 0,
  endSessions: async () => {},
}

/** One agent, a control plane that answers heartbeats after `replyMs`, and somebody who calls the agent. */
async function running(heartbeatMs = 200, replyMs = 0) {
  const time = new VirtualTime()
  const beats: Heartbeat[] = []
  const answer = {
    isOn: true,
    leaders: [] as HeartbeatReply['leaders'],
    epochs: [] as HeartbeatReply['epochs'],
    maintenance: { epoch: 0, shut: [], message: '' } as HeartbeatReply['maintenance'],
  }
  const control = time.world(time.process('10.0.0.8'), 'prn_control')
  await control.network.serve({ address: '10.0.0.8', port: 7300 }, async (_, body) => {
    beats.push(body as unknown as Heartbeat)
    if (replyMs > 0) await control.clock.sleep(replyMs)
    if (!answer.isOn) throw new Error('the store is gone')
    return {
      format: 'pointzero/agent-wire/1',
      leaders: answer.leaders,
      epochs: answer.epochs,
      executors: [],
      maintenance: answer.maintenance,
    } as unknown as Json
  })
  const [cluster] = clusters(estate)
  const member = cluster?.members[0]
  assert.ok(cluster !== undefined && member !== undefined)
  const driver = new MemoryMember('p1', primaryNaming('p2'))
  const endpoint = { address: '10.0.0.1', port: 7400 }
  const agent = await time.settled(
    startAgent(time.world(time.process('10.0.0.1'), 'hst_az1000'), {
      estate,
      host: 'hst_az1000',
      listen: endpoint,
      controlPlane: { endpoint: { address: '10.0.0.8', port: 7300 }, subject: 'prn_control' },
      statePath: '/state',
      heartbeatMs,
      members: [{ cluster, member, driver }],
      gates: [{ component: 'cmp_dbgate', gate: brokenGate }],
      instances: [],
      probe: { answers: async () => true },
      actions: agentActions,
    }),
  )
  const callAs = async (subject: string, method: string, body: Json): Promise<Json> =>
    time.settled(
      time.world(time.process(`10.0.9.${subject.length}`), subject).network.call(endpoint, method, body, {
        timeoutMs: 1_000,
      }),
    )
  return { time, agent, driver, beats, answer, callAs }
}

test('another host gives no orders, whatever it asks for', async () => {
  const { callAs } = await running()
  for (const method of ['agent/announce', 'agent/action-apply', 'agent/action-observe', 'agent/observe'])
    await assert.rejects(callAs('hst_az2000', method, {}), { code: 'PEER_NOT_ALLOWED', class: 'refused' })
})

test('an announced epoch is kept, a lower one afterwards refused, and one that is none too', async () => {
  const { callAs } = await running()
  const scope = 'cluster:cmp_ledger'
  await callAs('prn_control', 'agent/announce', { scope, epoch: 5 })
  await assert.rejects(callAs('prn_control', 'agent/announce', { scope, epoch: 4 }), { code: 'EPOCH_STALE' })
  await assert.rejects(callAs('prn_control', 'agent/announce', { scope }), { code: 'EPOCH_INVALID' })
  const view = (await callAs('prn_operator', 'agent/observe', {})) as unknown as AgentView
  assert.deepEqual(view.epochs, [{ scope, epoch: 5 }])
})

test('epochs learned from a heartbeat refuse an executor that was superseded meanwhile', async () => {
  const { time, answer, callAs } = await running()
  const scope = 'cluster:cmp_ledger'
  answer.epochs = [{ scope, epoch: 9 }]
  await time.pass(500)
  await assert.rejects(callAs('prn_control', 'agent/announce', { scope, epoch: 8 }), { code: 'EPOCH_STALE' })
})

test('a gate that can not be looked at is left out, and everything else goes on', async () => {
  const { time, beats, agent } = await running()
  await time.pass(3_000)
  assert.ok(beats.length > 10, `${beats.length} heartbeats`)
  assert.deepEqual((await time.settled(agent.view())).gates, [])
})

test('an exit is reported at once, also one that happens while a heartbeat is under way', async () => {
  const { time, beats, driver } = await running(400, 300)
  await time.pass(5_000)
  const before = beats.length
  while (beats.length === before) await time.pass(1)
  driver.end()
  await time.pass(310)
  assert.equal(beats.at(-1)?.view.members[0]?.observation.role, 'stopped')
})

test('heartbeats that are answered with an error renew nothing: without an acknowledgement the primary stops', async () => {
  const { time, driver, answer } = await running()
  await time.pass(3_000)
  driver.acknowledges = false
  await time.pass(3_000)
  assert.equal(driver.effects.includes('stop-immediate'), false)
  answer.isOn = false
  await time.pass(1_500)
  assert.equal(driver.effects.includes('stop-immediate'), true)
})

test('a primary that hears that another one leads stops', async () => {
  const { time, driver, answer } = await running()
  answer.leaders = [{ component: 'cmp_ledger', member: 'mbr_ledger2', epoch: 4 }]
  await time.pass(500)
  assert.equal(driver.effects.includes('stop-immediate'), true)
})

test('a method that it does not have is refused with the command to run next', async () => {
  const { callAs } = await running()
  await assert.rejects(callAs('prn_control', 'agent/dance', {}), {
    code: 'METHOD_UNKNOWN',
    class: 'refused',
  })
})

test('orders come from those whom the control plane names, and from the control plane itself', async () => {
  const { callAs } = await running()
  for (const subject of ['prn_auditor', 'hst_az2000'])
    await assert.rejects(callAs(subject, 'agent/announce', { scope: 'cluster:x', epoch: 1 }), {
      code: 'PEER_NOT_ALLOWED',
    })
})
