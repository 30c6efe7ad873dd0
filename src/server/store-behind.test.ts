import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { readEpoch } from '../engine/epoch.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { ViewBoard } from '../watch/view-board.ts'
import { behindReason, reportedEpoch, requireNotBehind } from './store-behind.ts'

const estate = simulatedEstate()
const keys = storeKeys(estate.id)
const scope = 'cluster:cmp_ledger'

function storeOf() {
  const time = new VirtualTime()
  return new MemoryControlStore(time.world(time.process('10.0.0.8'), 'prn_control').clock)
}

test('the highest epoch that any agent reports counts, of this scope alone', () => {
  const board = new ViewBoard()
  const view = { members: [], probes: [], gates: [], instances: [] }
  for (const [host, epochs] of [
    ['hst_az1000', [{ scope, epoch: 4 }]],
    [
      'hst_az2000',
      [
        { scope, epoch: 9 },
        { scope: 'cluster:cmp_other', epoch: 70 },
      ],
    ],
  ] as const)
    board.record(
      {
        format: 'pointzero/agent-wire/1',
        estate: estate.id,
        host,
        boot: 'b',
        sequence: 1,
        view: { ...view, epochs },
      },
      0,
    )
  assert.equal(reportedEpoch(estate, board, scope), 9)
  assert.equal(behindReason(9, 9), undefined)
  assert.match(behindReason(4, 9) ?? '', /holds epoch 4, an agent has seen 9/)
})

test('a store that knows the cluster and is older than the estate opens nothing', async () => {
  const store = storeOf()
  await assert.rejects(
    requireNotBehind(store, keys, scope, {
      held: await readEpoch(store, keys, scope),
      reported: 3,
      isAdopted: true,
    }),
    { code: 'CONTROL_STORE_BEHIND', class: 'refused' },
  )
})

test('a new store of an estate that was led before begins above everything that agents have seen', async () => {
  const store = storeOf()
  const known = { reported: 7, isAdopted: false }
  await requireNotBehind(store, keys, scope, { held: await readEpoch(store, keys, scope), ...known })
  const held = await readEpoch(store, keys, scope)
  assert.equal(held.epoch, 7)
  await requireNotBehind(store, keys, scope, { held, ...known })
  assert.equal((await readEpoch(store, keys, scope)).revision, held.revision)
})
