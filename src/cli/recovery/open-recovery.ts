import { openIsolatedDatabase } from '../../drivers/postgres/isolated-database.ts'
import type { PostgresMemberConfig } from '../../drivers/postgres/member-config.ts'
import { openReplacedDatabase } from '../../drivers/postgres/replaced-database.ts'
import { openRestoreTarget } from '../../platform/restore-target.ts'
import type { DatabaseRecovery } from '../../ports/database-recovery.ts'
import type { RecoveryAccess } from '../../ports/recovery-source.ts'
import type { SignatureVerifier } from '../../ports/signer.ts'
import type { World } from '../../ports/world.ts'
import { openMemberRecovery } from '../../recovery/member-recovery.ts'

export interface RecoverySetup {
  readonly world: Pick<World, 'clock' | 'log'>
  readonly component: string
  readonly config: PostgresMemberConfig
  readonly access: RecoveryAccess
  readonly verifier: SignatureVerifier
}

/** Puts together how the database of one member of this host is brought back. */
export function openRecovery({
  world,
  component,
  config,
  access,
  verifier,
}: RecoverySetup): DatabaseRecovery {
  const { clock, log } = world
  return openMemberRecovery({
    component,
    access,
    isolated: openIsolatedDatabase(config, clock),
    replaced: openReplacedDatabase(config, clock),
    effects: { clock, log, verifier, openTarget: (directory) => openRestoreTarget(directory, config.runAs) },
  })
}
