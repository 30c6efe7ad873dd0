import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseLsn } from '../domain/lsn.ts'
import type { KeptSnapshot } from '../ports/kept-copies.ts'
import type { AgentContext } from './agent-context.ts'
import { vaultBackup } from './vault-backup.ts'

const authority = { run: 'run_aaaaaa', step: 'back-up', attempt: 1, scope: 'copies:cmp_ledger', epoch: 1 }
const args = { component: 'cmp_ledger' }

function snapshot(sequence: number): KeptSnapshot {
  const lsn = parseLsn(`0/${sequence}000028`)
  const place = { timeline: 1, startLsn: lsn, endLsn: lsn, systemIdentifier: '1' }
  return { id: `snapshot-${sequence}`, sequence, ...place, takenAtMs: 1, verified: [], restorations: [] }
}

/** The vault holds two snapshots; whether a copy ends well is the test's choice. */
function vaultHost(copy: (snapshots: KeptSnapshot[]) => void) {
  const snapshots = [snapshot(1), snapshot(2)]
  const begun = new Map<string, number>()
  const context = {
    copies: () => ({
      snapshots: async () => [...snapshots],
      backUp: async () => {
        copy(snapshots)
        return snapshots.at(-1) as KeptSnapshot
      },
    }),
    backups: {
      begun: async (run: string) => begun.get(run),
      begin: async (run: string, sequence: number) => void begun.set(run, sequence),
    },
  } as unknown as AgentContext
  return { context, snapshots, begun }
}

describe('vault.backup', () => {
  it('is not done by a snapshot that was there before the run', async () => {
    const { context } = vaultHost((snapshots) => snapshots.push(snapshot(3)))
    assert.equal((await vaultBackup.observe(context, args, authority)).satisfied, false)
    await vaultBackup.apply(context, args, authority)
    const seen = await vaultBackup.observe(context, args, authority)
    assert.ok(seen.satisfied)
    assert.deepEqual(seen.output, { snapshot: 'snapshot-3' })
  })

  it('notes what it found before it copies, so that a copy whose end nobody heard of is recognised', async () => {
    const { context, begun } = vaultHost((snapshots) => {
      assert.equal(begun.get(authority.run), 2)
      snapshots.push(snapshot(3))
      throw new Error('the agent dies')
    })
    await assert.rejects(vaultBackup.apply(context, args, authority))
    assert.ok((await vaultBackup.observe(context, args, authority)).satisfied)
  })

  it('begins again after a copy that left nothing', async () => {
    let attempts = 0
    const { context, begun } = vaultHost((snapshots) => {
      attempts += 1
      if (attempts === 1) throw new Error('the primary is lost')
      snapshots.push(snapshot(3))
    })
    await assert.rejects(vaultBackup.apply(context, args, authority))
    assert.equal((await vaultBackup.observe(context, args, authority)).satisfied, false)
    await vaultBackup.apply(context, args, authority)
    assert.equal(begun.get(authority.run), 2)
    assert.ok((await vaultBackup.observe(context, args, authority)).satisfied)
  })
})
