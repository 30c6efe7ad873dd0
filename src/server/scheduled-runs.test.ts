import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleFacts } from '../../test/support/sample-facts.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import { declarationDigest } from '../engine/declared-permission.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { Estate } from '../estate/estate.ts'
import type { CopiesView } from '../ports/kept-copies.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { scheduledProtection, simulatedEstate } from '../simulation/simulated-estate.ts'
import { ViewBoard } from '../watch/view-board.ts'
import { AutomaticRuns } from './automatic-runs.ts'
import type { ControlPlaneSetup } from './control-plane-setup.ts'
import { OpenRuns } from './open-runs.ts'
import { ScheduledRuns } from './scheduled-runs.ts'

const hourMs = 3_600_000
const declared = simulatedEstate({}, scheduledProtection(hourMs, 24 * hourMs))
const keys = storeKeys(declared.id)
const scope = 'copies:cmp_ledger'
const copies: CopiesView = {
  ...{ component: 'cmp_ledger', systemIdentifier: '73', readAgeMs: 0 },
  ...{ snapshots: [], broken: [], brokenBefore: [], problems: [] },
}

/** A control plane's schedule beside a vault that holds nothing and says so. */
function bed(estate: Estate = declared) {
  const time = new VirtualTime()
  const world = time.world(time.process('10.0.0.8'), 'prn_control')
  const store = new MemoryControlStore(world.clock)
  const setup = {
    estate,
    subject: 'prn_control',
    store,
    principals: [],
    tickMs: 200,
  } as unknown as ControlPlaneSetup
  const stop = new AbortController()
  const runs = new AutomaticRuns(world, setup, stop.signal)
  const board = new ViewBoard()
  const open = new OpenRuns(store, estate.id)
  const scheduled = new ScheduledRuns(world, setup, { board, runs, open, facts: async () => sampleFacts() })
  const put = async (key: string, value: object): Promise<void> => {
    await store.transact({ compare: [], put: [{ key, value: canonicalJson(value as never) }] })
  }
  let sequence = 0
  const hear = (epoch = 0): void => {
    sequence += 1
    const view = {
      members: [],
      probes: [],
      gates: [],
      instances: [],
      epochs: [{ scope, epoch }],
      copies: [copies],
    }
    const beat = {
      format: 'pointzero/agent-wire/1',
      estate: estate.id,
      host: 'hst_client',
      boot: 'b',
      view,
    } as const
    board.record({ ...beat, sequence }, world.clock.monotonicMs())
  }
  const look = async (): Promise<readonly string[]> => {
    hear()
    void scheduled.run(stop.signal)
    await time.pass(3_000)
    return scheduled.shown(sampleFacts()).map(({ passedOver = '', blind = '' }) => blind || passedOver)
  }
  return { time, store, put, hear, look, scheduled }
}

async function leaveOpen(put: (key: string, value: object) => Promise<void>, digest: string): Promise<void> {
  const event = {
    type: 'opened',
    requestedBy: 'prn_control',
    plan: { procedure: 'backup' },
    declared: { declaration: 'x', digest },
  }
  await put(keys.runRecord('run_left01', 0), { event })
  await put(keys.open(scope), { run: 'run_left01' })
}

test('a run that was begun under another declaration is left to a person, who is told how to go on', async () => {
  const { put, look, time } = bed()
  await leaveOpen(put, 'f'.repeat(64))
  const [, test] = await look()
  assert.match(test ?? '', /run_left01 was begun under another declaration.*`pointzero resume run_left01`/)
  assert.ok(!time.logged.includes('automatic-run-not-done'), 'nobody tried to execute it')
})

test('one that was begun under this declaration is gone on with', async () => {
  const { put, look, time } = bed()
  await leaveOpen(put, declarationDigest(declared, 'cmp_ledger') ?? '')
  await look()
  assert.ok(time.logged.includes('automatic-run-not-done'), 'it was tried: its journal is none here')
})

test('the first backup waits until the adoption is done, and a failover keeps none waiting', async () => {
  for (const procedure of ['adoption', 'zone-failover']) {
    const { put, look, time } = bed()
    await put(keys.runRecord('run_other1', 0), {
      event: { type: 'opened', requestedBy: 'p', plan: { procedure } },
    })
    await put(keys.open('cluster:cmp_ledger'), { run: 'run_other1' })
    const [backup] = await look()
    if (procedure === 'adoption') assert.match(backup ?? '', /run_other1 adopts it/)
    assert.equal(time.logged.includes('schedule-due'), procedure !== 'adoption')
  }
})

test('from an old copy of the store nothing begins: an agent that has seen a later epoch gives it away', async () => {
  const { put, hear, scheduled, time } = bed()
  await put(keys.epoch(scope), { epoch: 2, executor: '', run: '' })
  hear(7)
  void scheduled.run(new AbortController().signal)
  await time.pass(2_500)
  hear(7)
  await time.pass(1_500)
  const [backup] = scheduled.shown(sampleFacts())
  assert.match(backup?.passedOver ?? '', /holds epoch 2, an agent has seen 7: a person decides/)
  assert.ok(!time.logged.includes('schedule-due'))
})

test('a run that can not be opened is tried less and less often, and status says what with', async () => {
  const { look, time, hear, scheduled } = bed()
  const tried = (): number => time.logged.filter((event) => event === 'schedule-due').length
  await look()
  for (let seconds = 0; seconds < 150; seconds += 5) {
    hear()
    await time.pass(5_000)
  }
  // At 0, 5, 15, 35 and 75 seconds, and not every five.
  assert.ok(tried() >= 4 && tried() <= 5, `${tried()} times`)
  assert.match(scheduled.shown(sampleFacts())[0]?.passedOver ?? '', /^APPROVAL_NOT_DECLARED: .*prn_control/)
})

test('a store that fails is said, once, and looked at again', async () => {
  const { store, look, time, hear, scheduled } = bed()
  const get = store.get.bind(store)
  store.get = () => Promise.reject(new Error('the disk is gone'))
  const said = await look()
  assert.match(said.join(), /the disk is gone.*the disk is gone/)
  assert.equal(time.logged.filter((event) => event === 'schedule-not-judged').length, 1)
  store.get = get
  hear()
  await time.pass(2_000)
  assert.equal(scheduled.shown(sampleFacts())[0]?.blind, undefined)
})

test('what is left to a person takes nothing from the store, and is shown all the same', async () => {
  const { store, look } = bed(simulatedEstate())
  store.get = () => Promise.reject(new Error('not asked'))
  assert.deepEqual(await look(), [''])
})
