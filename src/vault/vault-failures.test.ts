import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailingObjectStore } from '../../test/support/failing-object-store.ts'
import { FailingRestoreDirectory } from '../../test/support/failing-restore-directory.ts'
import { failEveryCall, FaultPlan } from '../../test/support/fault-plan.ts'
import {
  backUp,
  recoveryKey,
  sampleFiles,
  sampleVault,
  seededEffects,
} from '../../test/support/sample-vault.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { findSnapshot, readCatalogue } from './catalogue.ts'
import { restoreSnapshot } from './restore-snapshot.ts'
import type { Vault } from './vault-descriptor.ts'
import { verifySnapshot } from './verify-snapshot.ts'

/** Smaller than the usual sample: every call is one round. */
function files(seed: string): Map<string, Uint8Array> {
  const all = sampleFiles(seed)
  all.delete('base/5/the same again')
  return all.set('base/5/1259', seededEffects(seed).random.bytes(1_100_000))
}

/** Every snapshot that is listed is whole. */
async function requireWhole(vault: Vault, what: string | undefined): Promise<number> {
  const { snapshots, problems } = await readCatalogue(vault)
  assert.deepEqual(problems, [], `after ${what}`)
  for (const manifest of snapshots)
    assert.deepEqual((await verifySnapshot(vault, manifest, recoveryKey)).damage, [], `after ${what}`)
  return snapshots.length
}

test('whatever call of the store fails during a backup: a clear error, nothing half-written is listed, the next one succeeds', async () => {
  const calls = await failEveryCall(['ENOSPC', 'EIO'], async (plan) => {
    const store = new FailingObjectStore()
    const vault = await sampleVault(store)
    await backUp(vault, files('before'), seededEffects('one'))
    store.plan = plan
    let failure: unknown
    await backUp(vault, files('after'), seededEffects('two', 1_795_000_500_000)).catch(
      (error: unknown) => (failure = error),
    )
    store.plan = new FaultPlan()
    if (plan.failed !== undefined) {
      assert.ok(failure instanceof RecoveryError, `${plan.failed}: ${String(failure)}`)
      assert.match(failure.code, plan.code === 'ENOSPC' ? /OBJECT_STORE_FULL/ : /OBJECT_STORE_FAILED/)
      assert.ok(failure.hint.includes('`'))
      // Only of the manifest itself: whole, and its name may not survive a power cut.
      const isLast = /sync the name of .*manifest$/.test(plan.failed)
      assert.equal(await requireWhole(vault, plan.failed), isLast ? 2 : 1)
    }
    await backUp(vault, files('again'), seededEffects('three', 1_795_001_000_000))
    await requireWhole(vault, plan.failed)
  })
  assert.ok(calls >= 6, `${calls} calls`)
})

test('whatever call of target or store fails during a restore: no pg_control under its name, no open file, the next one succeeds', async () => {
  const store = new FailingObjectStore()
  const vault = await sampleVault(store)
  await backUp(vault, files('all'))
  const manifest = findSnapshot(await readCatalogue(vault), 'latest', undefined)
  const calls = await failEveryCall(['ENOSPC', 'EIO'], async (plan) => {
    const target = new FailingRestoreDirectory(plan)
    store.plan = plan
    let failure: unknown
    await restoreSnapshot(vault, manifest, recoveryKey, target).catch((error: unknown) => (failure = error))
    store.plan = new FaultPlan()
    assert.equal(plan.openFiles, 0, `a file stays open after ${plan.failed}`)
    if (plan.failed !== undefined) {
      assert.ok(failure instanceof Error, `${plan.failed} was not noticed`)
      if (target.files.size > 0)
        assert.ok(failure instanceof RecoveryError && failure.code === 'RESTORE_INCOMPLETE')
      assert.ok(!target.files.has('global/pg_control'), `it starts after ${plan.failed}`)
      assert.match(`${failure.message} ${String(failure.cause)}`, new RegExp(plan.code))
      const again = restoreSnapshot(vault, manifest, recoveryKey, target)
      if (target.files.size > 0 || target.directories.size > 0)
        await assert.rejects(again, { code: 'RESTORE_TARGET_NOT_EMPTY' })
      else await again
    }
    const fresh = new FailingRestoreDirectory(new FaultPlan())
    await restoreSnapshot(vault, manifest, recoveryKey, fresh)
    assert.ok(fresh.files.has('global/pg_control') && !fresh.files.has('RESTORE_INCOMPLETE'))
  })
  assert.ok(calls >= 50, `${calls} calls`)
})
