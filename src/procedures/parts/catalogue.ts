import { RecoveryError } from '../../domain/recovery-error.ts'
import { adoption } from '../adoption.ts'
import { backupVerification } from '../backup-verification.ts'
import { backup } from '../backup.ts'
import { componentRestore } from '../component-restore.ts'
import { maintenance } from '../maintenance.ts'
import { pointInTimeRecovery } from '../point-in-time-recovery.ts'
import type { Procedure } from './procedure.ts'
import { reprotect } from '../reprotect.ts'
import { switchover } from '../switchover.ts'
import { synchronousCapture } from '../synchronous-capture.ts'
import { zoneFailover } from '../zone-failover.ts'

/** Every procedure of this version, in the order in which help lists them. */
export const procedures: readonly Procedure[] = [
  adoption,
  zoneFailover,
  switchover,
  reprotect,
  pointInTimeRecovery,
  componentRestore,
  backup,
  backupVerification,
  synchronousCapture,
  maintenance,
]

/** For executors: a plan that was made by another version of its procedure is not executed. */
export const procedureVersions: ReadonlyMap<string, number> = new Map(
  procedures.map(({ name, version }) => [name, version]),
)

export function procedureNamed(name: string): Procedure {
  const found = procedures.find((procedure) => procedure.name === name)
  if (found !== undefined) return found
  throw new RecoveryError({
    code: 'PROCEDURE_UNKNOWN',
    class: 'invalid-estate',
    message: `there is no procedure ${JSON.stringify(name)}; this version has ${procedures.map((one) => one.name).join(', ')}`,
    hint: 'list them with `pointzero plan --help`',
  })
}

/** One that a standing approval can be given for: for any other it would allow nothing. */
export function automaticProcedureNamed(name: string): Procedure {
  const found = procedureNamed(name)
  if (found.isAutomatic === true) return found
  const automatic = procedures.flatMap((one) => (one.isAutomatic === true ? one.name : []))
  throw new RecoveryError({
    code: 'APPROVAL_STANDING_UNUSED',
    class: 'refused',
    message: `a standing approval of ${name} would allow nothing: it is for ${automatic.join(' and ')}`,
    hint: `approve a plan of it with \`pointzero approve <hash>\`; backups and restore tests begin when the estate declares it`,
  })
}
