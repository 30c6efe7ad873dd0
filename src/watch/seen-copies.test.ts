import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentView } from '../agent/wire.ts'
import { clusterNamed } from '../estate/estate-lookup.ts'
import type { Capture } from '../estate/protection.ts'
import type { CaptureView, CopiesView, KeptSnapshot } from '../ports/kept-copies.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { seenCopies } from './seen-copies.ts'
import type { SeenCopies } from './scheduled-decision.ts'
import { ViewBoard } from './view-board.ts'

const declared = simulatedEstate()
const wal: Capture = { name: 'wal', of: 'wal', stores: ['vault'], maxLagMs: 1, synchronous: false, keepMs: 1 }
const estate = simulatedEstate(
  {},
  { captures: [wal], backups: clusterNamed(declared, undefined).protection?.backups ?? [] },
)
const copies: CopiesView = {
  ...{ component: 'cmp_ledger', systemIdentifier: '73', readAgeMs: 1_000 },
  ...{ snapshots: [], broken: [], brokenBefore: [], problems: [] },
}

function seen(
  changed: Partial<CopiesView> | undefined,
  reportAgeMs = 0,
  host = 'hst_client',
): SeenCopies | undefined {
  const board = new ViewBoard()
  const kept = changed === undefined ? {} : { copies: [{ ...copies, ...changed }] }
  const view: AgentView = { members: [], probes: [], gates: [], instances: [], epochs: [], ...kept }
  const beat = { format: 'pointzero/agent-wire/1', estate: estate.id, boot: 'b', sequence: 1, view } as const
  board.record({ ...beat, host: host as 'hst_client' }, 100_000)
  return seenCopies(estate, clusterNamed(estate, undefined), board, 100_000 + reportAgeMs)
}

test('a vault that was read and is empty holds nothing', () => {
  assert.deepEqual(seen({}), { snapshots: [] })
})

test('a vault of which nobody spoke, which was not read yet, or long ago, is unknown and not empty', () => {
  const { readAgeMs: _, ...unread } = copies
  assert.equal(seen({}, 0, 'hst_az1000'), undefined)
  assert.equal(seen(undefined), undefined)
  assert.equal(seen({}, 14_001), undefined)
  assert.equal(seen({ readAgeMs: 15_001 }), undefined)
  const board = new ViewBoard()
  const view: AgentView = { members: [], probes: [], gates: [], instances: [], epochs: [], copies: [unread] }
  const beat = { format: 'pointzero/agent-wire/1', estate: estate.id, boot: 'b', sequence: 1, view } as const
  board.record({ ...beat, host: 'hst_client' }, 1)
  assert.equal(seenCopies(estate, clusterNamed(estate, undefined), board, 1), undefined)
})

test('snapshots are known by when they were taken and restored, exposure by its age and that of the report', () => {
  const capture: CaptureView = {
    ...{ protection: { kind: 'streaming', exposedBytes: 1 }, source: null, timeline: 1, durableLsn: null },
    ...{ exposedMs: 300, alarms: [] },
  }
  const restored = { run: 'run_1', atMs: 9, timeline: 1, lsn: '0/1' }
  const snapshot = { takenAtMs: 5, restorations: [restored] } as unknown as KeptSnapshot
  assert.deepEqual(seen({ snapshots: [snapshot], capture }, 500), {
    snapshots: [{ takenAtMs: 5, restoredAtMs: [9] }],
    exposedMs: 800,
  })
  assert.deepEqual(seen({ capture: { ...capture, exposedMs: null } }), { snapshots: [] })
})
