import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLsn } from '../domain/lsn.ts'
import type { KeptSnapshot, RestoredSnapshot } from '../ports/kept-copies.ts'
import type { AgentContext } from './agent-context.ts'
import { vaultReceipt } from './vault-receipt.ts'

const lsn = parseLsn('0/7000028')
const figures = { files: 9, bytes: 90, walSegments: 2, relations: 3, pages: 30, indexesCompared: 4 }
const args = {
  component: 'cmp_ledger',
  snapshot: 'a',
  manifest: 'ab',
  member: 'p2',
  timeline: 2,
  lsn,
  ...figures,
  invariants: [{ name: 'sum' }],
  unchecked: ['a gin index', 'amcheck'],
  network: { contained: true, interfaces: ['lo'] },
}

function under(run: string) {
  return { run, step: 'receipt', attempt: 1, scope: 'copies:cmp_ledger', epoch: 1 }
}

function vaultHost() {
  const signed: RestoredSnapshot[] = []
  const place = { timeline: 1, startLsn: lsn, endLsn: lsn, systemIdentifier: '1' }
  const snapshots = async (): Promise<readonly KeptSnapshot[]> => [
    {
      ...{ id: 'a', sequence: 1, ...place, takenAtMs: 1, verified: [] },
      restorations: signed.map(({ run, timeline }) => ({ run, atMs: 5, timeline, lsn })),
    },
  ]
  const confirmRestored = async (restored: RestoredSnapshot): Promise<void> => void signed.push(restored)
  const context = { copies: () => ({ snapshots, confirmRestored }) } as unknown as AgentContext
  return { context, signed }
}

test('a run signs once, whoever asks again; the receipt of another run is not its own', async () => {
  const { context, signed } = vaultHost()
  await vaultReceipt.apply(context, args, under('run_other'))
  assert.equal((await vaultReceipt.observe(context, args, under('run_own'))).satisfied, false)
  await vaultReceipt.apply(context, args, under('run_own'))
  const seen = await vaultReceipt.observe(context, args, under('run_own'))
  assert.ok(seen.satisfied)
  assert.deepEqual(seen.proof, { snapshot: 'a', run: 'run_own', atMs: 5, timeline: 2, lsn })
  assert.deepEqual(signed[1], {
    ...{ snapshot: 'a', manifest: 'ab', run: 'run_own', member: 'p2', timeline: 2, lsn },
    ...{ ...figures, invariants: 1, unchecked: 2, contained: true },
  })
})

test('a snapshot that is gone gets none', async () => {
  const { context } = vaultHost()
  await assert.rejects(vaultReceipt.observe(context, { ...args, snapshot: 'b' }, under('run_own')), {
    code: 'VAULT_SNAPSHOT_UNKNOWN',
  })
})
