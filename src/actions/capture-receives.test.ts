import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capturingEstate } from '../../test/support/capturing-estate.ts'
import { primaryNaming } from '../../test/support/memory-member.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import type { AgentView } from '../agent/wire.ts'
import { parseLsn } from '../domain/lsn.ts'
import type { StandbyObservation } from '../ports/database-member.ts'
import type { CaptureView } from '../ports/kept-copies.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { captureReceives } from './capture-receives.ts'
import type { ControlContext } from './control-context.ts'

const own: StandbyObservation = {
  name: 'wal',
  state: 'streaming',
  syncState: 'async',
  flushLsn: parseLsn('0/3000000'),
  lagBytes: 100,
}

const args = { component: 'cmp_ledger', member: 'mbr_ledger1', capture: 'wal', lagMaxBytes: 1_000 }
const authority = { run: 'run_1', step: 'receives', attempt: 1, scope: 'cluster:cmp_ledger', epoch: 1 }
const rest = { probes: [], gates: [], instances: [], epochs: [] }

async function satisfied(
  standbys: readonly StandbyObservation[],
  capture: Partial<CaptureView> = {},
): Promise<boolean> {
  const world = new VirtualTime().world()
  const view: CaptureView = {
    applicationName: 'wal',
    protection: { kind: 'streaming', exposedBytes: 0 },
    source: '10.0.0.1:5432',
    timeline: 1,
    durableLsn: null,
    exposedMs: 0,
    alarms: [],
    ...capture,
  }
  const found = { systemIdentifier: '73', snapshots: [], broken: [], brokenBefore: [], problems: [] }
  const led: AgentView = {
    members: [
      {
        component: 'cmp_ledger',
        member: 'mbr_ledger1',
        observation: { ...primaryNaming('p2', 'p3'), standbys },
        ageMs: 0,
        fenced: false,
      },
    ],
    ...rest,
  }
  const kept: AgentView = {
    members: [],
    ...rest,
    copies: [{ component: 'cmp_ledger', ...found, capture: view }],
  }
  const context: ControlContext = {
    world,
    estate: capturingEstate({ synchronous: true }),
    store: new MemoryControlStore(world.clock),
    observeHost: async (host) => Promise.resolve(host === 'client' ? kept : led),
  }
  return (await captureReceives.observe(context, args, authority)).satisfied
}

test('is so when both sides say it: one connection, of the right name, from the leader, close behind', async () => {
  assert.equal(await satisfied([{ ...own, name: 'p2' }, own]), true)
})

test('a namesake in any case, another name, another place or a long way behind is not', async () => {
  for (const standbys of [
    [],
    [own, own],
    [own, { ...own, name: 'WAL' }],
    [{ ...own, name: 'Wal' }],
    [{ ...own, state: 'catchup' }],
    [{ ...own, lagBytes: 1_001 }],
  ])
    assert.equal(await satisfied(standbys), false, JSON.stringify(standbys))
  for (const capture of [
    { applicationName: 'pointzero_capture' },
    { source: '10.0.0.2:5432' },
    { protection: { kind: 'degraded', sinceMs: 1, reason: 'gone' } },
  ] as const)
    assert.equal(await satisfied([own], capture), false, JSON.stringify(capture))
})
