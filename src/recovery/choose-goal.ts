import { resolveTarget } from '../capture/resolve-target.ts'
import type { RecoveryCatalogue } from '../capture/recovery-points.ts'
import { parseTarget } from '../capture/target-text.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { RecoveryGoal, WantedGoal } from '../ports/database-recovery.ts'

/**
 * One snapshot, the newest unless another was named, and the place that its WAL is to be replayed to. Never another snapshot than the one that is
 * to be tried: that an older one would do is no news of this one.
 */
export async function chooseGoal(catalogue: RecoveryCatalogue, wanted: WantedGoal): Promise<RecoveryGoal> {
  const { backups } = catalogue
  const backup =
    wanted.snapshot === 'newest' ? backups.at(-1) : backups.find(({ id }) => id === wanted.snapshot)
  if (backup === undefined) throw unknown(wanted.snapshot)
  const target = parseTarget(wanted.target)
  const point = await resolveTarget({ ...catalogue, backups: [backup] }, target)
  const { timeline, lsn, inclusive, reached } = point
  return { snapshot: backup.id, timeline, lsn, inclusive, reached }
}

function unknown(snapshot: string): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_SNAPSHOT_UNKNOWN',
    class: 'refused',
    message:
      snapshot === 'newest' ? 'the vault holds no snapshot of it yet' : `there is no snapshot ${snapshot}`,
    hint: 'see what there is: `pointzero points`; take one: `pointzero plan backup`',
  })
}
