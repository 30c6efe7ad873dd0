import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryClock } from '../../test/support/clock-entries.ts'
import type { RecoveryCatalogue } from '../capture/recovery-points.ts'
import { lsnOf } from '../capture/wal-position.ts'
import { chooseGoal } from './choose-goal.ts'

const end = 40_000_000

function catalogue(begins: number): RecoveryCatalogue {
  const lineage = [{ timeline: 1, end: Number.POSITIVE_INFINITY }]
  const backup = (id: string, at: number) => ({
    ...{ id, timeline: 1 },
    startLsn: lsnOf(at),
    endLsn: lsnOf(at + 500),
  })
  return {
    coverage: [{ timeline: 1, lineage, ranges: [{ start: begins, end }], gaps: [] }],
    clock: memoryClock([]),
    ends: new Map([[1, { timeline: 1, end, lastRecord: end - 8, reason: 'zeros', receivedTo: end }]]),
    backups: [backup('older', 17_000_000), backup('newer', 20_000_000)],
  }
}

test('the newest snapshot unless another is named, each to the same end', async () => {
  const newest = await chooseGoal(catalogue(16_777_216), { target: 'end', snapshot: 'newest' })
  assert.equal(newest.snapshot, 'newer')
  const older = await chooseGoal(catalogue(16_777_216), { target: 'end', snapshot: 'older' })
  assert.deepEqual({ ...older, snapshot: 'newer' }, newest)
})

test('never another snapshot than the one that is to be tried, and none that there is not', async () => {
  const broken = catalogue(30_000_000)
  for (const snapshot of ['newest', 'older'])
    await assert.rejects(chooseGoal(broken, { target: 'end', snapshot }), { code: 'TARGET_UNREACHABLE' })
  const good = catalogue(16_777_216)
  await assert.rejects(chooseGoal(good, { target: 'end', snapshot: 'gone' }), {
    code: 'VAULT_SNAPSHOT_UNKNOWN',
  })
  await assert.rejects(chooseGoal({ ...good, backups: [] }, { target: 'end', snapshot: 'newest' }), {
    code: 'VAULT_SNAPSHOT_UNKNOWN',
  })
})
