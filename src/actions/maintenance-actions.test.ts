import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import type { AgentView } from '../agent/wire.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { ActionArgs, Authority } from '../engine/action.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { maintenanceScope } from '../estate/estate-lookup.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import type { ControlContext } from './control-context.ts'
import { gatesLed } from './gates-led.ts'
import { maintenanceRecord } from './maintenance-record.ts'
import { readMaintenance } from './maintenance-store.ts'

const estate = simulatedEstate()
const keys = storeKeys(estate.id)
const scope = maintenanceScope(estate)
const on = { on: true, gates: ['cmp_dbgate'], message: 'Closed.' }

/** A control store in which runs were opened, and gates that lead to where they are said to. */
async function place(targets: Readonly<Record<string, string>> = {}) {
  const time = new VirtualTime()
  const world = time.world()
  const store = new MemoryControlStore(world.clock)
  const put = async (key: string, value: Json): Promise<void> => {
    await store.transact({ compare: [], put: [{ key, value: canonicalJson(value) }] })
  }
  const opened = async (run: string, requestedBy: string): Promise<void> => {
    const approvals = [{ approver: `${requestedBy}_approver` }]
    await put(keys.runRecord(run, 0), { event: { type: 'opened', requestedBy, approvals } })
  }
  await opened('run_on', 'prn_ann')
  await opened('run_off', 'prn_bob')
  await put(keys.epoch(scope), { epoch: 3, executor: 'me', run: 'run_on' })
  const observeHost = async (host: string): Promise<AgentView> => {
    const target = targets[host]
    const gates = target === undefined ? [] : [{ component: 'cmp_dbgate' as const, epoch: 1, target }]
    return { members: [], probes: [], gates, instances: [], epochs: [] }
  }
  const context: ControlContext = { world, estate, store, observeHost }
  const apply = (args: ActionArgs, run: string, epoch: number) =>
    maintenanceRecord.apply(context, args, under(run, epoch))
  return { time, context, store, put, apply }
}

function under(run: string, epoch: number): Authority {
  return { run, step: 'record', attempt: 1, scope, epoch }
}

test('the record says by whom and since when, under the epoch of its run', async () => {
  const { context, apply } = await place()
  assert.equal((await maintenanceRecord.observe(context, on, under('run_on', 3))).satisfied, false)
  await apply(on, 'run_on', 3)
  const { record } = await readMaintenance(context.store, estate.id)
  assert.deepEqual(
    [record?.on, record?.epoch, record?.requestedBy, record?.approvedBy],
    [true, 3, 'prn_ann', ['prn_ann_approver']],
  )
  assert.equal(record?.sinceMs, context.world.clock.now())
  assert.equal((await maintenanceRecord.observe(context, on, under('run_on', 3))).satisfied, true)
  assert.equal((await maintenanceRecord.observe(context, on, under('run_off', 4))).satisfied, false)
})

test('switched on again, it is on since it was first; undone, an end is as if it had not been', async () => {
  const { time, context, put, apply } = await place()
  await apply(on, 'run_on', 3)
  const sinceMs = context.world.clock.now()
  await time.pass(5_000)
  await put(keys.epoch(scope), { epoch: 4, executor: 'me', run: 'run_off' })
  await apply(on, 'run_off', 4)
  assert.equal((await readMaintenance(context.store, estate.id)).record?.sinceMs, sinceMs)
  await apply({ ...on, on: false }, 'run_off', 4)
  assert.notEqual((await readMaintenance(context.store, estate.id)).record?.sinceMs, sinceMs)
  await apply({ ...on, sinceMs, restores: 'run_on' }, 'run_off', 4)
  const { record } = await readMaintenance(context.store, estate.id)
  assert.deepEqual([record?.on, record?.sinceMs, record?.requestedBy], [true, sinceMs, 'prn_ann'])
})

test('an executor that was superseded writes nothing', async () => {
  const { context, apply } = await place()
  await assert.rejects(apply(on, 'run_on', 2), { code: 'EPOCH_SUPERSEDED', class: 'refused' })
  assert.equal((await readMaintenance(context.store, estate.id)).record, undefined)
})

test('a gate is not opened while it leads elsewhere than the leader record says, on any host', async () => {
  const args = { component: 'cmp_dbgate', hosts: ['client', 'az3'] }
  const leads = async (client: string, az3?: string): Promise<boolean> => {
    const { context, put } = await place({ client, ...(az3 === undefined ? {} : { az3 }) })
    await put(keys.leader('cmp_ledger'), { member: 'mbr_ledger2' })
    return (await gatesLed.observe(context, args, under('run_off', 3))).satisfied
  }
  assert.equal(await leads('10.0.0.2:5432', '10.0.0.2:5432'), true)
  assert.equal(await leads('10.0.0.2:5432', '10.0.0.1:5432'), false)
  assert.equal(await leads('10.0.0.1:5432', '10.0.0.2:5432'), false)
  assert.equal(await leads('10.0.0.2:5432', ''), false)
  assert.equal(await leads('10.0.0.2:5432'), false)
})

test('a gate before an application follows the leader of its database; where nobody leads there is nothing to follow', async () => {
  const { context, put } = await place()
  const args = { component: 'cmp_appgate', hosts: ['client'] }
  assert.equal((await gatesLed.observe(context, args, under('run_off', 3))).satisfied, true)
  await put(keys.leader('cmp_ledger'), { member: 'mbr_ledger2' })
  const seen = await gatesLed.observe(context, args, under('run_off', 3))
  assert.ok(!seen.satisfied)
  assert.deepEqual(seen.seen, { wanted: '10.0.0.2:8080', leads: [{ host: 'client', target: 'not seen' }] })
})
