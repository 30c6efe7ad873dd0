import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import type { Heartbeat, HeartbeatReply } from '../agent/wire.ts'
import { canonicalJson, type Json } from '../domain/canonical-json.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { startControlPlane } from './control-plane.ts'
import type { ControlPlaneStatus } from './status-wire.ts'

const estate = simulatedEstate()
const keys = storeKeys(estate.id)
const scope = 'cluster:cmp_ledger'

async function running() {
  const time = new VirtualTime()
  const home = time.world(time.process('10.0.0.8'), 'prn_control')
  const store = new MemoryControlStore(home.clock)
  const endpoint = { address: '10.0.0.8', port: 7300 }
  await time.settled(
    startControlPlane(home, {
      estate,
      subject: 'prn_control',
      listen: endpoint,
      store,
      probe: { answers: async () => true },
      verifier: { verify: () => false },
      principals: [
        { id: 'prn_operator', name: 'Olga', publicKey: 'unused', roles: ['operator'] },
        { id: 'prn_approver', name: 'Anna', publicKey: 'unused', roles: ['approver'] },
        { id: 'prn_auditor', name: 'Aude', publicKey: 'unused', roles: ['auditor'] },
      ],
      tickMs: 200,
    }),
  )
  let callers = 10
  const callAs = async (subject: string, method: string, body: Json): Promise<Json> => {
    const caller = time.world(time.process(`10.0.1.${callers++}`), subject)
    return time.settled(caller.network.call(endpoint, method, body, { timeoutMs: 2_000 }))
  }
  const beat = async (subject: string, changed: Partial<Heartbeat> = {}): Promise<HeartbeatReply> =>
    (await callAs(subject, 'control/heartbeat', { ...heartbeat(), ...changed } as never)) as never
  const put = async (key: string, value: Json): Promise<void> => {
    const known = await store.get(key)
    await store.transact({
      compare: [{ key, revision: known?.revision ?? 0 }],
      put: [{ key, value: canonicalJson(value) }],
    })
  }
  return { time, store, callAs, beat, put }
}

function heartbeat(): Heartbeat {
  return {
    format: 'pointzero/agent-wire/1',
    estate: estate.id,
    host: 'hst_az1000',
    boot: 'one',
    sequence: 1,
    view: { members: [], probes: [], gates: [], instances: [], epochs: [] },
  }
}

const record = {
  member: 'mbr_ledger2',
  epoch: 4,
  systemIdentifier: '73',
  publishedSync: ['p3'],
  publishedCount: 1,
  switchesMs: [],
}

test('a heartbeat is answered from the store, not from what was known at the start', async () => {
  const { beat, put } = await running()
  assert.deepEqual(await beat('hst_az1000'), {
    format: 'pointzero/agent-wire/1',
    leaders: [],
    epochs: [{ scope, epoch: 0 }],
    executors: ['prn_operator'],
    maintenance: { epoch: 0, shut: [], message: '' },
  })
  await put(keys.maintenance, {
    format: 'pointzero/maintenance/1',
    on: true,
    epoch: 2,
    gates: ['cmp_dbgate'],
    message: 'Closed.',
  })
  await put(keys.leader('cmp_ledger'), record)
  await put(keys.epoch(scope), { epoch: 5, executor: 'somebody', run: 'run_1' })
  const reply = await beat('hst_az1000', { sequence: 2 })
  assert.deepEqual(reply.leaders, [{ component: 'cmp_ledger', member: 'mbr_ledger2', epoch: 4 }])
  assert.deepEqual(reply.epochs, [{ scope, epoch: 5 }])
  assert.deepEqual(reply.maintenance, { epoch: 2, shut: ['cmp_dbgate'], message: 'Closed.' })
})

test('a heartbeat is not answered while the store can not be asked: nobody is renewed from memory', async () => {
  const { beat, store } = await running()
  await beat('hst_az1000')
  store.get = () => Promise.reject(new Error('the disk is gone'))
  await assert.rejects(beat('hst_az1000', { sequence: 2 }), /the disk is gone/)
})

test('a host that reports as another one is refused, and its report is not believed', async () => {
  const { beat, callAs } = await running()
  for (const subject of ['hst_az2000', 'prn_operator'])
    await assert.rejects(beat(subject), { code: 'PEER_NOT_ALLOWED', class: 'refused' })
  const status = (await callAs('prn_operator', 'control/status', {})) as unknown as ControlPlaneStatus
  assert.ok(status.hosts.every(({ view }) => view === undefined))
})

test('a report of another estate, or in another version of the wire, is refused', async () => {
  const { beat } = await running()
  await assert.rejects(beat('hst_az1000', { estate: 'est_another' }), { code: 'ESTATE_MISMATCH' })
  await assert.rejects(beat('hst_az1000', { format: 'pointzero/agent-wire/2' as never }), {
    code: 'FORMAT_UNKNOWN',
  })
})

test('agents may report and nothing else: no store, no status, no runs', async () => {
  const { callAs } = await running()
  for (const method of [
    'store/get',
    'store/list',
    'store/transact',
    'store/changes',
    'control/status',
    'control/open-run',
  ])
    await assert.rejects(
      callAs('hst_az1000', method, { key: keys.leader('cmp_ledger'), prefix: keys.root }),
      {
        code: 'PEER_NOT_ALLOWED',
        class: 'refused',
      },
    )
})

test('a person reads the store, and only the keys of this estate', async () => {
  const { callAs, put } = await running()
  await put(keys.leader('cmp_ledger'), record)
  const entry = await callAs('prn_operator', 'store/get', { key: keys.leader('cmp_ledger') })
  assert.equal((entry as { readonly value: string }).value, canonicalJson(record))
  await assert.rejects(callAs('prn_operator', 'store/get', { key: 'pz/est_another/estate' }), {
    class: 'permanent',
  })
})

test('the status shows each host with the age of its report, and no view of one that never reported', async () => {
  const { time, beat, callAs } = await running()
  await beat('hst_az1000')
  await time.pass(700)
  const status = (await callAs('prn_operator', 'control/status', {})) as unknown as ControlPlaneStatus
  const first = status.hosts.find(({ host }) => host === 'az1')
  assert.ok((first?.ageMs ?? 0) >= 700)
  assert.equal(status.hosts.find(({ host }) => host === 'az2')?.ageMs, undefined)
})

test('a cluster without a leader record is not judged: nothing starts by itself before adoption', async () => {
  const { time, store } = await running()
  await time.pass(20_000)
  assert.deepEqual(await store.list(keys.runs), [])
})

test('an old copy of the store decides nothing: an agent that has seen a later epoch gives it away', async () => {
  const { time, store, beat, callAs, put } = await running()
  await put(keys.leader('cmp_ledger'), record)
  await put(keys.epoch(scope), { epoch: 5, executor: 'somebody', run: 'run_1' })
  const epochs = [{ scope, epoch: 8 }]
  await beat('hst_az1000', { view: { ...heartbeat().view, epochs } })
  await time.pass(20_000)
  const status = (await callAs('prn_operator', 'control/status', {})) as unknown as ControlPlaneStatus
  assert.match(status.clusters[0]?.automatic ?? '', /holds epoch 5, an agent has seen 8: a person decides/)
  assert.deepEqual(await store.list(keys.runs), [])
})

test('a control plane that fails at judging says so until it can again, and serves all the while', async () => {
  const { time, store, beat, callAs, put } = await running()
  const seen = async () =>
    ((await callAs('prn_operator', 'control/status', {})) as unknown as ControlPlaneStatus).clusters[0]
  await put(keys.leader('cmp_ledger'), { ...record, publishedSync: null })
  await beat('hst_az1000')
  await time.pass(20_000)
  const blind = await seen()
  assert.match(blind?.blind ?? '', /^judging it fails, for 2\d\.\d s: BUG: .*null/)
  assert.equal(blind?.detection.state, 'unknown')
  assert.equal(blind?.automatic, 'nothing: blind')
  const said = time.logged.filter((event) => event === 'judgement-failed').length
  assert.ok(said > 0 && said < 5, `said ${said} times, not at every tick`)
  assert.deepEqual((await beat('hst_az1000', { sequence: 2 })).epochs, [{ scope, epoch: 0 }])
  assert.ok(await callAs('prn_operator', 'store/get', { key: keys.leader('cmp_ledger') }))
  await put(keys.leader('cmp_ledger'), record)
  await time.pass(1_000)
  assert.equal((await seen())?.blind, undefined)
  const get = store.get.bind(store)
  store.get = (key) => (key === keys.epoch(scope) ? new Promise(() => {}) : get(key))
  await time.pass(6_000)
  store.get = (key) => get(key)
  assert.match((await seen())?.blind ?? '', /^it was not judged for \d\.\d s/)
})

test('a report that nobody can read leaves a status, and it is blind', async () => {
  const { time, beat, callAs, put } = await running()
  await put(keys.leader('cmp_ledger'), record)
  await beat('hst_az1000', { view: {} as never })
  await time.pass(1_000)
  const status = (await callAs('prn_operator', 'control/status', {})) as unknown as ControlPlaneStatus
  assert.match(status.clusters[0]?.blind ?? '', /BUG: /)
  assert.ok(status.facts.clusters[0]?.members.every(({ reachable }) => !reachable))
  await beat('hst_az1000', { sequence: 2 })
  await time.pass(1_000)
  const later = (await callAs('prn_operator', 'control/status', {})) as unknown as ControlPlaneStatus
  assert.equal(later.clusters[0]?.blind, undefined)
})
